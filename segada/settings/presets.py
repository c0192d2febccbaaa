"""Named starting points of a run: the variants of the lab diary as settings."""

from collections.abc import Mapping
from typing import Literal

from segada.settings.nested import Tree, Value, merged

PresetName = Literal["adpt1", "adpt2", "adpt3", "adpt7", "adpt8"]

_HALF: Tree = {
    "model": {"freeze": "encoder"},
    "adapter": {"name": "adaptformer", "bottleneck": 5, "stages": [0, 1]},
}
_FULL: Tree = merged(_HALF, {"adapter": {"stages": [0, 1, 2, 3]}})
_STEM: Tree = merged(_FULL, {"image_adapter": {"name": "vit_adapter", "inject": True, "stage": 2}})
_FED: Tree = merged(_STEM, {"image_adapter": {"feeds_head": True}})

PRESETS: Mapping[PresetName, Tree] = {
    "adpt1": _HALF,
    "adpt2": _FULL,
    "adpt3": _STEM,
    "adpt7": merged(_FED, {"model": {"head_width": 768}}),
    "adpt8": merged(_FED, {"model": {"head_width": 256}}),
}
"""Settings of each preset. In all of them the encoder is frozen and the head learns.

adpt1: AdaptFormer adapters with a bottleneck of 5 in the first half of the stages.
adpt2: the same in all four stages.
adpt3: adpt2, and the stem of ViT-Adapter, to which the tokens that enter stage 2 attend.
adpt7: adpt3, whose head also gets the stem's maps, with a head of width 768 (published with B2 to B5).
adpt8: the same with a head of width 256 (published with B0 and B1).

A head's width must be that of the checkpoint: adpt7 and adpt8 cannot load the tiny model that is shipped, unless
`model.reinitialize: [head]` starts the head from random weights. The diary's adpt6 was adpt8 before it could read
frames of another size than the training crops. Its variants without adapters in some stages are `adapter.stages` beside
a preset.
"""


def spelled_out(tree: Mapping[str, Value]) -> Tree:
    """Returns the tree with every `preset` in it replaced by its settings; values given beside it take precedence.

    An unknown preset is left unchanged; the settings class refuses it.
    """
    spelled: Tree = {key: spelled_out(value) if isinstance(value, dict) else value for key, value in tree.items()}
    for name, content in PRESETS.items():
        if spelled.get("preset") == name:
            return merged(content, {**spelled, "preset": None})
    return spelled
