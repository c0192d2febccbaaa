"""Plain vision transformers for timm's encoder: files of timm, DINO and DINOv2, which name their tensors alike."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from segada.models.encoders.timm_vit import stage_ends
from segada.models.formats.contents import Reading

USELESS = (
    (r"(head|head_dist|fc_norm|attn_pool)\..*", "of the classifier"),
    (r"mask_token", "of the masked pretraining"),
)
REGISTERS = "register_tokens"
"""DINOv2's name of registers, beside which the class token has a position of its own; timm adds it to the token."""


def read(tensors: Mapping[str, Tensor]) -> Reading:
    """Translates tensors to our names: blocks by stages, the norm after them, and the stem."""
    found: dict[str, Tensor] = {}
    left_out: dict[str, str] = {}
    short = {whole: whole.removeprefix("backbone.") for whole in tensors}
    numbers = [int(match[1]) for name in short.values() if (match := re.match(r"blocks\.(\d+)\.", name))]
    ends = stage_ends(max(numbers) + 1)
    for whole, name in short.items():
        reason = next((why for pattern, why in USELESS if re.fullmatch(pattern, name)), "")
        if reason:
            left_out[whole] = reason
        else:
            found[_our_name(name, ends)] = tensors[whole]
    return Reading(_with_timms_registers(found), left_out)


def _our_name(name: str, ends: tuple[int, ...]) -> str:
    match = re.match(r"blocks\.(\d+)\.", name)
    if match is not None:
        stage = next(index for index, end in enumerate(ends) if int(match[1]) < end)
        return f"encoder.stages.{stage}.{name}"
    if name.startswith("norm."):
        return f"encoder.stages.{len(ends) - 1}.{name}"
    return f"encoder.stages.0.stem.{name}"


def _with_timms_registers(found: dict[str, Tensor]) -> dict[str, Tensor]:
    stem = "encoder.stages.0.stem."
    registers, position, token = (f"{stem}{name}" for name in (REGISTERS, "pos_embed", "cls_token"))
    if not {registers, position, token} <= set(found):
        return found
    renamed = {name: tensor for name, tensor in found.items() if name != registers}
    renamed[f"{stem}reg_token"] = found[registers]
    renamed[token] = found[token] + found[position][:, :1]
    renamed[position] = torch.clone(found[position][:, 1:])
    return renamed
