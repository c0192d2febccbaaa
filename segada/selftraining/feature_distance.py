"""Feature distance between the deepest features of student and static model (arXiv 2111.14887)."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from segada.data.labels import IGNORE


def feature_distance(student: Tensor, static: Tensor, mask: Tensor | None = None) -> Tensor:
    """Returns the mean over the kept positions of the channel-wise L2 norm of the difference.

    Args:
        student: float [B, C, h, w].
        static: float [B, C, h, w], without gradient.
        mask: bool [B, h, w], True where the distance counts; None keeps all.

    Returns:
        float []; exactly 0, with zero gradient, if nothing is kept (a plain mean would be NaN).
    """
    squared = (student - static).square().sum(dim=1)
    # The norm's gradient is infinite at 0, where every run starts, since student and static model are equal.
    distance = squared.clamp_min(torch.finfo(squared.dtype).tiny).sqrt()
    if mask is None:
        return distance.mean()
    return (distance * mask).sum() / mask.sum().clamp_min(1)


def majority_labels(labels: Tensor, size: torch.Size | tuple[int, int], majority: float, classes: int) -> Tensor:
    """Scales labels down to the cells of a feature map: the most frequent label among a cell's pixels.

    Args:
        labels: int64 [B, H, W]. Where H or W is no multiple of h or w, cells overlap by a row or column.
        size: (h, w) of the feature map.
        majority: Share in [0, 1] of a cell's pixels that the label must fill.
        classes: Number of classes.

    Returns:
        int64 [B, h, w]; 255 where no label reaches this share, or most pixels are ignored.
    """
    one_hot = functional.one_hot(labels.where(labels != IGNORE, classes), classes + 1)
    share, winner = functional.adaptive_avg_pool2d(one_hot.movedim(-1, 1).float(), (size[0], size[1])).max(dim=1)
    return winner.masked_fill((winner == classes) | (share < majority), IGNORE)


def class_mask(cells: Tensor, classes: Sequence[int]) -> Tensor:
    """Returns the mask of cells that show one of the classes: bool, of the shape of the cells' labels."""
    return torch.isin(cells, torch.tensor(list(classes), device=cells.device))
