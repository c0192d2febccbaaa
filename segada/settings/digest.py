"""Digest of settings, which stays the same when newer versions add settings."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final

from segada.settings.named_kinds import portable_names
from segada.settings.nested import Tree, Value

NEWER: Final[Mapping[str, Value]] = {
    "adapter.allotment": "constant",
    "adapter.initialization": "fan_in",
    "adapter.uncertainty_threshold": 0.2,
    "adapter.views": 10,
    "data.classes": "cityscapes",
    "data.domains.*.gap": 0,
    "data.domains.*.label_set": None,
    "data.domains.*.labels_are": "ids",
    "data.domains.*.shares": None,
    "evaluation.speed_frames": 20,
    "image_adapter.attention": "deformable",
    "logging.disagreement_panels": 0,
    "method.batch_norm.share": "fixed",
    "method.batch_norm": {"statistics": "follow", "momentum": None, "source_prior": 16.0, "reset_per_domain": False},
    "method.class_draw": "once",
    "method.class_weights": {},
    "method.color.adjustments": "torchvision",
    "method.guards.collapse_share": 0.0,
    "method.guards": {"source_share": 0.0, "reset_every": None},
    "method.masked_consistency.ema_alpha": 0.999,
    "method.masked_consistency.color.adjustments": "torchvision",
    "method.masked_consistency": {
        "weight": 0.0,
        "mask_ratio": 0.7,
        "block_size": 0.0625,
        "pseudo_threshold": 0.968,
        "color": {"jitter": 0.2, "jitter_probability": 0.8, "blur_probability": 0.5},
    },
    "method.optimizer.algorithm": "adamw",
    "method.optimizer.module_factors": {},
    "method.optimizer.momentum": 0.9,
    "method.prediction": "direct",
    "method.pseudo_labels": "soft",
    "model.class_match": "position",
    "model.network": None,
    "model.preprocessing": None,
    "stream.follow": None,
    "stream.replay.fill": "uniform",
}
"""Default of every setting that older versions do not have, by its path."""
NEWER_IN: Final[Mapping[str, Mapping[str, Value]]] = {
    "dacs": {
        "flip_probability": 0.0,
        "window": {"size": None, "resize": [1.0, 1.0], "class_share": 0.75, "tries": 10, "rare_share": 0.5},
    }
}
"""Default of every setting that older versions do not have in one method, though in another, by the method's name."""


def digest(deciding: Tree) -> str:
    """Returns ten hexadecimal digits of nested settings, without what equals its default in `NEWER`.

    Args:
        deciding: Settings that affect the numbers of a run; it is changed.
    """
    for path, default in NEWER.items():
        _leave_out(deciding, path.split("."), default)
    method = deciding.get("method")
    if isinstance(method, dict):
        for name, default in NEWER_IN.get(str(method.get("name")), {}).items():
            _leave_out(method, [name], default)
    canonical = json.dumps(portable_names(deciding), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:10]


def _leave_out(tree: Tree, path: Sequence[str], default: Value) -> None:
    """Removes the value at a path, in which `*` is any key, from nested values if it is the default."""
    first, *rest = path
    for key in [*tree] if first == "*" else [first]:
        inside = tree.get(key)
        if rest and isinstance(inside, dict):
            _leave_out(inside, rest, default)
        elif not rest and key in tree and inside == default:
            del tree[key]
