"""CoTTA."""

from typing import Literal

from segada.settings.base import Fraction, Positive, Sequence
from segada.settings.learning import LearningSettings, OptimiserSettings


class CottaSettings(LearningSettings):
    """Averaged teacher, averaged views, random restoration (Wang et al. 2022, arXiv 2203.13591). No source is read."""

    name: Literal["cotta"]
    optimiser: OptimiserSettings = OptimiserSettings(learning_rate=1e-4)
    ema_alpha: Fraction = 0.999
    """Share of the old teacher in the new one, from the first step on."""
    confidence_threshold: Fraction = 0.69
    """Where the source model is less sure of a pixel than this, the teacher's belief is averaged over views; 0 never
    averages. The authors' code for Cityscapes takes 0.69: the 5 % quantile on source frames, 0.74, less 0.05."""
    scales: Sequence[Positive] = (0.5, 0.75, 1.25, 1.5, 1.75, 2.0)
    """Sizes of further views, as shares of the frame's; the frame as it is always counts."""
    flips: bool = True
    """Whether each view, the frame as it is among them, also counts mirrored left and right."""
    restore: Fraction = 0.01
    """Probability, for each number that learns and in each step, to go back to its value in the source model."""
    scored: Literal["student", "teacher"] = "teacher"
    """Which network is evaluated."""
