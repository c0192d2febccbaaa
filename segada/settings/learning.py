"""How methods learn: the optimizer, the colors of what is learned from, and the terms of the loss."""

from abc import abstractmethod
from collections.abc import Mapping

from segada.settings.base import Fraction, NonNegative, Positive, Settings
from segada.settings.consolidation import ConsolidationSettings


class OptimizerSettings(Settings):
    """AdamW over what may learn."""

    lr: Positive = 1e-3
    head_factor: Positive = 1.0
    """The head learns with `lr` times this; 10 in the SegFormer recipe."""
    weight_decay: NonNegative = 0.01
    """Not applied to norms, biases and scales, nor to tables of positions and the networks that stand for them."""


class ColorSettings(Settings):
    """Photometric augmentation; images are in [0, 1]."""

    jitter: Fraction = 0.2
    """Strength of brightness, contrast, saturation and hue changes, each drawn from +-jitter; 0 is off."""
    jitter_probability: Fraction = 0.8
    blur_probability: Fraction = 0.5
    """Gaussian blur with sigma drawn from 0.15 to 1.15 pixels."""


class LearningSettings(Settings):
    """What every method that learns by gradients has in common."""

    optimizer: OptimizerSettings = OptimizerSettings()
    consolidation: ConsolidationSettings = ConsolidationSettings()

    @abstractmethod
    def term_weights(self) -> Mapping[str, float]:
        """Weight of each term of the method's own loss, by the name that a step reports it under; 0 leaves it out."""

    def loss_terms(self) -> tuple[str, ...]:
        """Names of the terms that a step reports: those of weight above 0, consolidation last."""
        weights = {**self.term_weights(), "consolidation": self.consolidation.weight}
        return tuple(name for name, weight in weights.items() if weight > 0.0)
