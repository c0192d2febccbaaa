"""Hamlet and DAFormer: SegFormer heads that concatenate the finest map first, and DAFormer's own head."""

from collections.abc import Mapping

import torch
from torch import Tensor

from segada.models.formats.contents import Reading
from segada.models.formats.naming import STAGES, Naming, Rows
from segada.models.formats.nvlabs import AUXILIARY, ENCODER, FUSION, UNUSED
from segada.models.heads.daformer import DILATIONS

SEGFORMER = Naming(
    ENCODER,
    head=(
        ("decode_head.linear_c.{s}.proj", "head.linear_c{i}.proj"),
        *FUSION,
        ("decode_head.linear_fuse_m1.conv", "head.light_exit.fuse.conv"),
        ("decode_head.linear_fuse_m1.bn", "head.light_exit.fuse.bn"),
        ("decode_head.linear_pred_m1", "head.light_exit.pred"),
    ),
    useless=(UNUSED, AUXILIARY),
)
MIXER = "head.linear_fuse.conv.weight"


def _conv_norms(name: str) -> Rows:
    return tuple((f"decode_head.{name}.{part}", f"head.{name}.{part}") for part in ("conv", "bn"))


_BRANCHES = [
    f"fuse_layer.aspp_modules.{branch}.{part}"
    for branch in range(1, 1 + len(DILATIONS))
    for part in ("depthwise_conv", "pointwise_conv")
]
DAFORMER = Naming(
    ENCODER,
    head=(
        ("decode_head.embed_layers.{s}.proj", "head.embed_layers.{s}.proj"),
        *(
            row
            for name in ("fuse_layer", "fuse_layer.aspp_modules.0", *_BRANCHES, "fuse_layer.bottleneck")
            for row in _conv_norms(name)
        ),
        ("decode_head.conv_seg", "head.conv_seg"),
    ),
    useless=(AUXILIARY,),
)


def read_segformer(tensors: Mapping[str, Tensor]) -> Reading:
    """Translates tensors to our names; the weights that mix the maps are put in our order, deepest first."""
    reading = SEGFORMER.read(tensors)
    mixer = reading.tensors.get(MIXER)
    if mixer is None:
        return reading
    deepest_first = torch.cat(mixer.chunk(STAGES, dim=1)[::-1], dim=1)
    return Reading({**reading.tensors, MIXER: deepest_first}, reading.left_out, reading.no_head)
