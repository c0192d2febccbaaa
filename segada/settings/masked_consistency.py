"""Settings of masked image consistency."""

from typing import Annotated

from pydantic import Field

from segada.settings.base import Fraction, NonNegative, Settings
from segada.settings.learning import ColorSettings


class MaskedConsistencySettings(Settings):
    """Cross-entropy on target frames with masked blocks, against the teacher's labels of the whole frames (MIC, Hoyer
    et al. 2023, arXiv 2212.01322). Costs one more pass of the student."""

    weight: NonNegative = 0.0
    """Weight of the term; 1 in the paper, and 0, which skips its computation, here."""
    mask_ratio: Fraction = 0.7
    """Probability of each block to be masked, that is to be filled with the mean color of the network's inputs."""
    block_size: Annotated[float, Field(gt=0.0, le=1.0)] = 0.0625
    """Side of a block as a share of the frame's height: the authors use 64 pixels for crops of 1024 and 32 for crops of
    512, which is this share. Blocks are rectangles where the frame is no multiple of them."""
    pseudo_threshold: Fraction = 0.968
    """Teacher confidence from which a pixel counts as confident; the share of confident pixels weights the term."""
    color: ColorSettings = ColorSettings()
    """Color augmentation of the frames before they are masked; the paper uses that of DACS."""


class OwnTeacherSettings(MaskedConsistencySettings):
    """Masked image consistency of a method that has no teacher otherwise; costs a pass of the teacher, too."""

    ema_alpha: Fraction = 0.999
    """Share of the old teacher in the new one; the effective value is min(1 - 1/(step + 1), ema_alpha)."""
