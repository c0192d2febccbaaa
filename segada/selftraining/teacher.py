"""The teacher: an exponential moving average of the student (Tarvainen and Valpola 2017, arXiv 1703.01780)."""

from collections.abc import Sequence

import torch
from torch import Tensor


def ema_alpha(step: int, ceiling: float) -> float:
    """Returns the weight of the old teacher: min(1 - 1/(step + 1), ceiling), so that step 0 copies the student."""
    return min(1.0 - 1.0 / (step + 1), ceiling)


def follow(teacher: Sequence[Tensor], student: Sequence[Tensor], alpha: float) -> None:
    """Sets theta_T <- alpha theta_T + (1 - alpha) theta_S in place, for all parameters in one call.

    Batch-norm statistics are not parameters: the teacher keeps its own, from target frames.
    """
    with torch.no_grad():
        torch._foreach_lerp_(list(teacher), list(student), 1.0 - alpha)
