"""Settings of RMT, the robust mean teacher."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import model_validator

from segada.settings.base import Count, Fraction, NonNegative, Number, Positive
from segada.settings.batch_norm import TargetStatistics
from segada.settings.learning import ColorSettings, LearningSettings, OptimizerSettings
from segada.settings.masked_consistency import MaskedConsistencySettings


class RmtSettings(LearningSettings):
    """Mean teacher with a symmetric cross-entropy, source replay and contrast to source prototypes (Doebler et al.
    2023, arXiv 2211.13081)."""

    name: Literal["rmt"]
    optimizer: OptimizerSettings = OptimizerSettings(lr=1e-4)
    """Optimizer of the network; the projector of the contrastive term learns at the same rate."""
    batch_norm: TargetStatistics = TargetStatistics()
    """Statistics of the batch norms. The authors' code keeps no running statistics: `target`."""
    ema_alpha: Fraction = 0.999
    """Share of the old teacher in the new one, from the first step on."""
    symmetric_weight: NonNegative = 1.0
    """Weight of the symmetric cross-entropy between student and teacher. As with every weight here, 0 skips the term's
    computation."""
    clean_weight: NonNegative = 1.0
    """Weight of the cross-entropy on replayed source frames."""
    contrast_weight: NonNegative = 1.0
    """Weight of the contrastive term; costs memory with the square of the number of cells of the deepest feature map.
    Only in networks with an encoder."""
    temperature: Positive = 0.1
    """Temperature of the contrastive term."""
    projection: Count = 128
    """Number of channels of both layers of the projector."""
    prototype_frames: Count = 32
    """Number of source frames, spread evenly over the replay buffer, from which the prototypes are computed once at the
    start; costs a forward pass each. The authors use all of the source."""
    warm_up_steps: Number = 50
    """Number of steps on source frames before the first step of the run, at a rate that rises linearly to its full
    value; 0 skips them. The authors use 50,000 images: 250 batches of 200 on CIFAR."""
    color: ColorSettings = ColorSettings()
    """Color augmentation of the augmented frames."""
    masked_consistency: MaskedConsistencySettings = MaskedConsistencySettings()
    """Loss term on masked target frames."""
    evaluated_network: Literal["student", "teacher"] = "teacher"
    """Network that is evaluated. The authors evaluate the sum of both outputs."""

    def term_weights(self) -> Mapping[str, float]:
        """Returns the weights of the terms `symmetric`, `contrast`, `clean` and `masked`."""
        return {
            "symmetric": self.symmetric_weight,
            "contrast": self.contrast_weight,
            "clean": self.clean_weight,
            "masked": self.masked_consistency.weight,
        }

    @model_validator(mode="after")
    def _teacher_moves(self) -> Self:
        if self.ema_alpha == 1.0 and self.evaluated_network == "teacher":
            raise ValueError(
                "method.ema_alpha is 1.0, but method.evaluated_network is 'teacher', which then never learns; choose "
                "a smaller alpha, or set method.evaluated_network to student"
            )
        return self
