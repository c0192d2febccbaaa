"""Settings of CoTTA and of methods that are derived from it."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from segada.settings.base import Fraction, Sequence
from segada.settings.batch_norm import FrozenStatistics
from segada.settings.learning import LearningSettings, OptimizerSettings
from segada.settings.masked_consistency import MaskedConsistencySettings

Scale = Annotated[float, Field(gt=0.0, le=4.0)]
"""Scale of an augmented view; a scale of 4 costs sixteen times as much as the frame itself."""


class AveragedTeacherSettings(LearningSettings):
    """Settings of methods whose teacher predicts several views of a frame; source frames are read for `consolidation`
    alone."""

    name: Literal["cotta", "svdp"]
    optimizer: OptimizerSettings = OptimizerSettings(lr=1e-4)
    batch_norm: FrozenStatistics = FrozenStatistics()
    """Statistics of the batch norms. The authors' code for segmentation runs student, teacher and source model in
    evaluation mode: `frozen`."""
    ema_alpha: Fraction = 0.999
    """Share of the old teacher in the new one, from the first step on."""
    confidence_threshold: Fraction = 0.69
    """Confidence threshold of the source model: for pixels below it, the teacher's pseudo-labels are averaged over
    views; 0 never averages. The authors' code for Cityscapes uses 0.69: the 5 % quantile on source frames, 0.74, less
    0.05."""
    scales: Sequence[Scale] = (0.5, 0.75, 1.25, 1.5, 1.75, 2.0)
    """Scales of additional views, as shares of the frame's size, each listed once; the frame itself always counts. With
    none, and without `flips`, there is nothing to average over."""
    flips: bool = True
    """If true, each view, including the original frame, is also mirrored horizontally."""
    restore: Fraction = 0.01
    """Probability, for each trainable parameter value and in each step, of resetting it to its value in the source
    model."""
    pseudo_labels: Literal["soft", "hard"] = "soft"
    """Pseudo-labels. `soft`: the averaged probabilities at the resolution of the logits, as in the paper. `hard`: their
    most probable classes at the resolution of the frame, as in the authors' code for segmentation."""
    prediction: Literal["direct", "averaged"] = "direct"
    """Prediction of a frame, which is scored. `direct`: one pass of the evaluated network. `averaged`: the teacher's,
    averaged over views where the source model is not confident, as in the authors' code for segmentation; costs a pass
    for each view. Label-free scores and calibration take its logarithm for logits."""
    masked_consistency: MaskedConsistencySettings = MaskedConsistencySettings()
    """Loss term on masked target frames, with labels of the teacher's averaged predictions."""
    evaluated_network: Literal["student", "teacher"] = "teacher"
    """Network that is evaluated."""

    def term_weights(self) -> Mapping[str, float]:
        """Returns the weights of the cross-entropy to the pseudo-labels and of the term on masked frames."""
        return {"consistency": 1.0, "masked": self.masked_consistency.weight}

    @model_validator(mode="after")
    def _views_differ(self) -> Self:
        twice = [scale for scale in (1.0, *self.scales) if (1.0, *self.scales).count(scale) > 1]
        if twice:
            raise ValueError(
                f"method.scales has {twice[0]} twice, the frame as it is, 1.0, counted in; leave one of them out"
            )
        return self

    @model_validator(mode="after")
    def _the_teacher_is_averaged(self) -> Self:
        if self.prediction == "averaged" and self.evaluated_network == "student":
            raise ValueError(
                "method.prediction is 'averaged', which is the teacher's, but method.evaluated_network is 'student'; "
                "set method.evaluated_network to teacher, or method.prediction to direct"
            )
        return self

    @model_validator(mode="after")
    def _teacher_moves(self) -> Self:
        if self.ema_alpha == 1.0 and self.evaluated_network == "teacher":
            raise ValueError(
                "method.ema_alpha is 1.0, but method.evaluated_network is 'teacher', which then never learns; choose "
                "a smaller "
                "alpha, or set method.evaluated_network to student"
            )
        return self


class CottaSettings(AveragedTeacherSettings):
    """Averaged teacher, averaged views, stochastic restoration (Wang et al. 2022, arXiv 2203.13591); source frames are
    read for `consolidation` alone."""

    name: Literal["cotta"]
