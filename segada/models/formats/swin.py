"""Swin Transformers for timm's encoder: files of timm, and of the official code, which merges patches a stage earlier.

Both order the four merged patches alike (down first, then right), so that no values are permuted.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from segada.models.formats.contents import Reading

USELESS = (
    (r"norm\.(weight|bias)", "the norm before ImageNet's classifier"),
    (r"head\.(fc\.)?(weight|bias)", "classifier of ImageNet's classes"),
    (r".*\.(relative_position_index|attn_mask)", "computed from the size of the windows"),
)
FOREIGN_HEADS = ("decode_head", "auxiliary_head")


def read_timm(tensors: Mapping[str, Tensor]) -> Reading:
    """Translates tensors of timm to our names."""
    return _read(tensors, {stage: stage for stage in range(4)})


def read_official(tensors: Mapping[str, Tensor]) -> Reading:
    """Translates tensors of the official code to our names; patch merging at the end of a stage is at the beginning of
    timm's next."""
    return _read(tensors, {stage: stage + 1 for stage in range(4)})


def _read(tensors: Mapping[str, Tensor], stage_of_downsample: Mapping[int, int]) -> Reading:
    found: dict[str, Tensor] = {}
    left_out: dict[str, str] = {}
    for whole, tensor in tensors.items():
        name = whole.removeprefix("backbone.")
        reason = next((why for pattern, why in USELESS if re.fullmatch(pattern, name)), "")
        if name.split(".")[0] in FOREIGN_HEADS:
            reason = "of a head that is none of ours"
        if reason:
            left_out[whole] = reason
        else:
            found[_our_name(name, stage_of_downsample)] = tensor
    return Reading(found, left_out)


def _our_name(name: str, stage_of_downsample: Mapping[int, int]) -> str:
    if name.startswith("patch_embed."):
        return f"encoder.stages.0.{name}"
    match = re.fullmatch(r"layers[._]([0-3])\.(.*)", name)
    if match is None:
        return name
    stage, rest = int(match[1]), match[2]
    if rest.startswith("downsample."):
        stage = stage_of_downsample[stage]
    return f"encoder.stages.{stage}.layers_{stage}.{rest}"
