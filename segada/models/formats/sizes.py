"""Facts about a network that follow from the shapes of its tensors."""

import re
from collections.abc import Mapping

from torch import Tensor

from segada.settings.architectures import MIX_TRANSFORMERS, TIMM

SWINS: Mapping[tuple[int, tuple[int, ...], tuple[int, ...]], str] = {
    (96, (2, 2, 6, 2), (7, 7, 7, 7)): "swin_tiny_patch4_window7_224",
    (96, (2, 2, 18, 2), (7, 7, 7, 7)): "swin_small_patch4_window7_224",
    (128, (2, 2, 18, 2), (7, 7, 7, 7)): "swin_base_patch4_window7_224",
    (128, (2, 2, 18, 2), (12, 12, 12, 12)): "swin_base_patch4_window12_384",
    (192, (2, 2, 18, 2), (7, 7, 7, 7)): "swin_large_patch4_window7_224",
    (192, (2, 2, 18, 2), (12, 12, 12, 12)): "swin_large_patch4_window12_384",
}
"""Name of the model in timm by its first width, the number of blocks of its stages, and the sides of their windows."""

HEADS_SIGNS = {
    "multi_exit": ("head.linear_fuse.conv.weight", "head.linear_pred.weight", "head.light_exit.pred.weight"),
    "segformer": ("head.linear_fuse.conv.weight", "head.linear_pred.weight"),
    "daformer_conv1": ("head.fuse_layer.conv.weight", "head.conv_seg.weight"),
    "daformer": ("head.fuse_layer.bottleneck.conv.weight", "head.conv_seg.weight"),
}
"""Tensors that only this head has: the length of the first is the width of the head, that of the second the number of
classes."""


def shown_facts(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Returns encoder, head, width and classes, as far as the tensors under our names determine them."""
    facts = {}
    encoder = _mix_transformer(tensors) or _swin(tensors)
    if encoder:
        facts["encoder"] = encoder
    for head, signs in HEADS_SIGNS.items():
        if all(sign in tensors for sign in signs):
            width, classes = len(tensors[signs[0]]), len(tensors[signs[1]])
            return {**facts, "head": head, "width": str(width), "classes": str(classes)}
    return facts


def _mix_transformer(tensors: Mapping[str, Tensor]) -> str:
    """Returns our name of the encoder, or a description if it has none; empty if it is no Mix Transformer."""
    patches = [f"encoder.stages.{stage}.patch_embed.proj.weight" for stage in range(4)]
    if not all(name in tensors for name in patches):
        return ""
    widths = tuple(len(tensors[name]) for name in patches)
    depths = _depths(tensors, r"encoder\.stages\.(\d)\.blocks\.(\d+)\.norm1\.weight")
    for name, architecture in MIX_TRANSFORMERS.items():
        if (architecture.widths, architecture.depths) == (widths, depths):
            return name
    return f"a Mix Transformer of widths {widths} and depths {depths}"


def _swin(tensors: Mapping[str, Tensor]) -> str:
    """Returns the name of a timm Swin Transformer, or a description if it has none; empty if it is no Swin
    Transformer."""
    tables = [f"encoder.stages.{s}.layers_{s}.blocks.0.attn.relative_position_bias_table" for s in range(4)]
    patch = "encoder.stages.0.patch_embed.proj.weight"
    if not all(name in tensors for name in (*tables, patch)):
        return ""
    width = len(tensors[patch])
    depths = _depths(tensors, r"encoder\.stages\.(\d)\.layers_\d\.blocks\.(\d+)\.norm1\.weight")
    # A window of side w has (2w - 1)^2 offsets between its patches.
    windows = tuple((round(len(tensors[name]) ** 0.5) + 1) // 2 for name in tables)
    known = SWINS.get((width, depths, windows))
    return f"{TIMM}{known}" if known else f"a Swin Transformer of width {width}, depths {depths} and windows {windows}"


def _depths(tensors: Mapping[str, Tensor], block: str) -> tuple[int, ...]:
    """Returns the number of blocks of each stage; the pattern's groups are the stage and the block."""
    found = [match for match in (re.fullmatch(block, name) for name in tensors) if match]
    return tuple(sum(match[1] == str(stage) for match in found) for stage in range(4))
