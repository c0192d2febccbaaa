"""Settings of SVDP."""

from typing import Annotated, Literal

from pydantic import Field

from segada.settings.base import Fraction, NonNegative, Positive
from segada.settings.cotta import AveragedTeacherSettings
from segada.settings.learning import OptimizerSettings


class SvdpSettings(AveragedTeacherSettings):
    """Sparse prompts at uncertain pixels of the frame, in CoTTA's steps (Yang et al. 2023, arXiv 2303.09792). Files of
    weights hold the network alone, without the prompt; source frames are read for `consolidation` alone."""

    name: Literal["svdp"]
    optimizer: OptimizerSettings = OptimizerSettings(lr=1e-4, weight_decay=0.0)
    """Optimizer of the network; the authors' code has Adam at 1e-4 or 3e-4."""
    pseudo_labels: Literal["soft", "hard"] = "hard"
    """Pseudo-labels. `hard`: the most probable classes at the resolution of the frame, as in the authors' code. `soft`:
    the averaged probabilities at the resolution of the logits."""
    prompt_lr: Positive = 1e-4
    """Learning rate of the prompt; 1e-4 or 1e-2 in the authors' code."""
    prompt_share: Annotated[float, Field(gt=0.0, le=1.0)] = 1e-3
    """Number of prompted pixels as a share of those of `data.size`; 1e-3 or 1e-4 in the authors' code."""
    passes: Annotated[int, Field(ge=2, le=100)] = 10
    """Number of predictions with dropout, whose variance is the uncertainty."""
    dropout: Annotated[Fraction, Field(gt=0.0, lt=1.0)] = 0.5
    """Probability of dropping each input of the classifier in them."""
    uncertainty_scale: NonNegative = 0.1
    """Share of the mean uncertainty that `ema_alpha` is lowered by for the prompt; 0.1 or 0.01 in the authors' code."""
