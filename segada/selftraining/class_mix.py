"""Class-mix: half the classes of a source batch are pasted onto target frames (ClassMix, arXiv 2007.07936)."""

import torch
from torch import Tensor


def chosen_classes(labels: Tensor, ratio: float, generator: torch.Generator) -> Tensor:
    """Draws which classes of a batch are pasted.

    With n classes in the whole batch (255 counts as one), min(int((n + n mod 2) * ratio), n) are drawn without
    replacement, as Hamlet does.

    Args:
        labels: int64 [B, H, W].
        ratio: Share of the classes, in [0, 1].
        generator: Source of the draw.

    Returns:
        int64 [chosen].
    """
    classes = torch.bincount(labels.flatten(), minlength=256).nonzero().flatten()
    count = min(int((len(classes) + len(classes) % 2) * ratio), len(classes))
    return classes[torch.randperm(len(classes), generator=generator)[:count].to(classes.device)]


def paste_mask(labels: Tensor, classes: Tensor) -> Tensor:
    """bool [B, H, W]: True where the source pixel is pasted."""
    pasted = torch.zeros(256, dtype=torch.bool, device=labels.device)
    pasted[classes] = True
    return pasted[labels]
