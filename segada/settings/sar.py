"""Settings of SAR."""

from collections.abc import Mapping
from typing import Literal

from segada.settings.base import Fraction, NonNegative
from segada.settings.batch_norm import TargetStatistics
from segada.settings.learning import LearningSettings, OptimizerSettings


class SarSettings(LearningSettings):
    """Sharpness-aware descent on the entropy of reliable pixels, with recovery (Niu et al. 2023, arXiv 2302.12400);
    source frames are read for `consolidation` alone."""

    name: Literal["sar"]
    optimizer: OptimizerSettings = OptimizerSettings(lr=1e-4)
    batch_norm: TargetStatistics = TargetStatistics()
    """Statistics of the batch norms. The authors' code keeps no running statistics: `target`."""
    entropy_threshold: Fraction = 0.4
    """Largest entropy of a reliable pixel, as a share of that of the uniform prediction, log K."""
    rho: NonNegative = 0.05
    """Euclidean length of the ascent step at whose end the gradient is taken; 0 is plain descent."""
    recovery_threshold: Fraction = 0.029
    """Moving average of the loss, as a share of log K, below which the norms and the optimizer return to their start; 0
    never resets. The paper's 0.2 nats for the 1000 classes of ImageNet are this share."""
    average_decay: Fraction = 0.9
    """Share of the old moving average of the loss in the new one."""

    def term_weights(self) -> Mapping[str, float]:
        """Returns the weight of the entropy, the only term."""
        return {"entropy": 1.0}
