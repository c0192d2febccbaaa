"""Digest of settings, which stays the same when newer versions add settings."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final

from segada.settings.named_kinds import portable_names
from segada.settings.nested import Tree, Value

NEWER: Final[Mapping[str, Value]] = {
    "data.classes": "cityscapes",
    "data.domains.*.gap": 0,
    "data.domains.*.label_set": None,
    "data.domains.*.labels_are": "ids",
    "data.domains.*.shares": None,
    "logging.disagreement_panels": 0,
    "method.batch_norm.share": "fixed",
    "method.batch_norm": {"statistics": "follow", "momentum": None, "source_prior": 16.0, "reset_per_domain": False},
    "method.class_weights": {},
    "method.guards": {"source_share": 0.0, "reset_every": None},
    "method.masked_consistency.ema_alpha": 0.999,
    "method.masked_consistency": {
        "weight": 0.0,
        "mask_ratio": 0.7,
        "block_size": 0.0625,
        "pseudo_threshold": 0.968,
        "color": {"jitter": 0.2, "jitter_probability": 0.8, "blur_probability": 0.5},
    },
    "method.optimizer.module_factors": {},
    "model.class_match": "position",
    "model.network": None,
    "model.preprocessing": None,
    "stream.follow": None,
}
"""Default of every setting that older versions do not have, by its path."""


def digest(deciding: Tree) -> str:
    """Returns ten hexadecimal digits of nested settings, without what equals its default in `NEWER`.

    Args:
        deciding: Settings that affect the numbers of a run; it is changed.
    """
    for path, default in NEWER.items():
        _leave_out(deciding, path.split("."), default)
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
