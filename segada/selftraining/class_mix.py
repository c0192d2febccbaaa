"""Class-mix: half the classes of a source batch are pasted onto target frames (ClassMix, arXiv 2007.07936)."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from segada.data.batch import Batch
from segada.selftraining.pseudo_labels import PseudoLabels


@dataclass(frozen=True, slots=True)
class MixedBatch:
    """Target frames with source pixels pasted onto them.

    Attributes:
        images: float32 [B, 3, H, W] in [0, 1].
        labels: int64 [B, H, W], the source's where pasted, else the target's.
        weight: float32 [B, H, W] in [0, 1], 1 where pasted.
        pasted: bool [B, H, W], True where the source is pasted.
    """

    images: Tensor
    labels: Tensor
    weight: Tensor
    pasted: Tensor


def pasted_onto(target: Tensor, pseudo_labels: PseudoLabels, source: Batch, pasted: Tensor) -> MixedBatch:
    """Pastes source pixels and labels, with weight 1, where the mask is True; keeps the target's elsewhere.

    Args:
        target: images, float32 [B, 3, H, W] in [0, 1].
        pseudo_labels: labels of the target and their weight.
        source: frames and labels of the same shape.
        pasted: bool [B, H, W], True where the source is pasted.
    """
    return MixedBatch(
        images=torch.where(pasted.unsqueeze(1), source.images, target),
        labels=torch.where(pasted, source.labels, pseudo_labels.labels),
        weight=torch.where(pasted, 1.0, pseudo_labels.weight),
        pasted=pasted,
    )


def unmixed(target: Tensor, pseudo_labels: PseudoLabels) -> MixedBatch:
    """Returns target frames [B, 3, H, W] with nothing pasted."""
    return MixedBatch(
        target, pseudo_labels.labels, pseudo_labels.weight, torch.zeros_like(pseudo_labels.labels, dtype=torch.bool)
    )


def chosen_classes(labels: Tensor, ratio: float, generator: torch.Generator) -> Tensor:
    """Draws which classes of labels are pasted.

    With n classes in all the labels (255 counts as one), min(int((n + n mod 2) * ratio), n) are drawn without
    replacement, as Hamlet does.

    Args:
        labels: int64, of any shape.
        ratio: Share of the classes, in [0, 1].
        generator: Source of the draw.

    Returns:
        int64 [chosen].
    """
    classes = torch.bincount(labels.flatten(), minlength=256).nonzero().flatten()
    count = min(int((len(classes) + len(classes) % 2) * ratio), len(classes))
    return classes[torch.randperm(len(classes), generator=generator)[:count].to(classes.device)]


def drawn_once(labels: Tensor, ratio: float, generator: torch.Generator) -> Tensor:
    """Returns a paste mask [B, H, W] of one draw from the classes of the batch, for all frames."""
    return paste_mask(labels, chosen_classes(labels, ratio, generator))


def drawn_per_frame(labels: Tensor, ratio: float, generator: torch.Generator) -> Tensor:
    """Returns a paste mask [B, H, W] of a draw from the classes of the batch for each frame, as DAFormer and Hamlet
    do."""
    return torch.stack([paste_mask(frame, chosen_classes(labels, ratio, generator)) for frame in labels])


def drawn_from_own(labels: Tensor, ratio: float, generator: torch.Generator) -> Tensor:
    """Returns a paste mask [B, H, W] of a draw for each frame from its own classes, as DACS does."""
    return torch.stack([drawn_once(frame, ratio, generator) for frame in labels])


DRAWS: Final = {"once": drawn_once, "per_frame": drawn_per_frame, "own": drawn_from_own}
"""Paste masks from labels int64 [B, H, W], the share of the classes and a generator, by `method.class_draw`."""


def paste_mask(labels: Tensor, classes: Tensor) -> Tensor:
    """Returns a bool mask of the shape of the labels, True where the source pixel is pasted."""
    pasted = torch.zeros(256, dtype=torch.bool, device=labels.device)
    pasted[classes] = True
    return pasted[labels]
