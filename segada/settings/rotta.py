"""Settings of RoTTA."""

from collections.abc import Mapping
from typing import Literal

from segada.settings.base import Count, Fraction, NonNegative
from segada.settings.batch_norm import RobustStatistics
from segada.settings.learning import ColorSettings, LearningSettings, OptimizerSettings
from segada.settings.masked_consistency import MaskedConsistencySettings


class RottaSettings(LearningSettings):
    """Steps on a memory of frames, with robust statistics and a teacher (Yuan et al. 2023, arXiv 2303.13899); source
    frames are read for `consolidation` alone."""

    name: Literal["rotta"]
    optimizer: OptimizerSettings = OptimizerSettings(lr=1e-3, weight_decay=0.0)
    batch_norm: RobustStatistics = RobustStatistics()
    """Statistics of the batch norms, `robust` with the authors' momentum of 0.05."""
    memory: Count = 16
    """Number of frames in the memory, all of which a step learns from; 64 in the authors' code."""
    update_every: Count = 16
    """Number of frames after which a step is made; 64 in the authors' code, as many as the memory holds."""
    timeliness: NonNegative = 1.0
    """Weight of a frame's age when one is replaced: lambda_t."""
    uncertainty: NonNegative = 1.0
    """Weight of the entropy of its prediction: lambda_u."""
    ema_alpha: Fraction = 0.999
    """Share of the old teacher in the new one after each step: 1 - nu."""
    color: ColorSettings = ColorSettings(jitter=0.4, jitter_probability=1.0)
    """Augmentation of the frames that the student learns from."""
    masked_consistency: MaskedConsistencySettings = MaskedConsistencySettings()
    """Loss term on masked frames of the memory."""
    evaluated_network: Literal["student", "teacher"] = "teacher"
    """Network that is evaluated."""

    def term_weights(self) -> Mapping[str, float]:
        """Returns the weights of the cross-entropy to the teacher and of the term on masked frames."""
        return {"consistency": 1.0, "masked": self.masked_consistency.weight}
