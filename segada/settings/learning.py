"""How methods learn: the optimiser and the colours of what is learned from."""

from segada.settings.base import Fraction, NonNegative, Positive, Settings
from segada.settings.consolidation import ConsolidationSettings


class OptimiserSettings(Settings):
    """AdamW over what may learn."""

    learning_rate: Positive = 1e-3
    head_factor: Positive = 1.0
    """The head learns with `learning_rate` times this; 10 in the SegFormer recipe."""
    weight_decay: NonNegative = 0.01
    """Not applied to norms, biases and scales."""


class ColourSettings(Settings):
    """Photometric augmentation; images are in [0, 1]."""

    jitter: Fraction = 0.2
    """Strength of brightness, contrast, saturation and hue changes, each drawn from +-jitter; 0 is off."""
    jitter_probability: Fraction = 0.8
    blur_probability: Fraction = 0.5
    """Gaussian blur with sigma drawn from 0.15 to 1.15 pixels."""


class LearningSettings(Settings):
    """What every method that learns by gradients has in common."""

    optimiser: OptimiserSettings = OptimiserSettings()
    consolidation: ConsolidationSettings = ConsolidationSettings()
