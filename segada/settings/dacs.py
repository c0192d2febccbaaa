"""DACS and its terms."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import model_validator

from segada.settings.augmentation import StyleSettings
from segada.settings.base import Fraction, NonNegative
from segada.settings.learning import ColorSettings, LearningSettings


class DacsSettings(LearningSettings):
    """Class-mix self-training with an averaging teacher (Tranheden et al. 2021, arXiv 2007.08702)."""

    name: Literal["dacs"] = "dacs"
    clean_weight: NonNegative = 0.5
    """Weight of the cross-entropy on replayed source frames. As with every weight here, 0 skips the term's work."""
    mix_weight: NonNegative = 1.0
    """Weight of the cross-entropy on mixed frames."""
    mixing: Literal["class_mix", "target_only"] = "class_mix"
    """`target_only` learns from the target frames as they are: nothing is pasted, and colors stay."""
    target_labels: Literal["pseudo", "ground_truth"] = "pseudo"
    """`ground_truth` is the upper bound: the target's own labels, each with weight 1, ignored rows included."""
    entropy_weight: NonNegative = 0.0
    """Weight of the mean entropy of the student's softmax on target frames, at its own resolution (TENT)."""
    threshold: Fraction = 0.968
    """Teacher confidence from which a pixel counts as sure; the share of sure pixels weighs the pseudo-labels. With
    `ground_truth` that share is reported and weighs nothing."""
    ema_alpha: Fraction = 0.99
    """Share of the old teacher in the new one; in effect min(1 - 1/(step + 1), ema_alpha)."""
    mix_ratio: Fraction = 0.5
    """Share of the source classes in a batch that are pasted onto target frames. Only with `class_mix`."""
    ignored_top: Fraction = 0.0
    """Share of the rows, from the top, whose pseudo-labels get weight 0. Ground truth keeps its weight there."""
    ignored_bottom: Fraction = 0.0
    """Share of the rows, from the bottom, whose pseudo-labels get weight 0 (the car's bonnet)."""
    source_feature_distance: NonNegative = 0.0
    """Weight of the distance between student and static features on things in source frames."""
    target_feature_distance: NonNegative = 0.0
    """Weight of the distance between student and static features on target frames, wherever they show what."""
    reference_checkpoint: str | None = None
    """Whose encoder is the static model's: a checkpoint as in `model.checkpoint`, an ImageNet one for instance; null
    takes the source model. Only with a feature distance."""
    feature_distance_classes: Literal["things", "all"] = "things"
    """Where in source frames the distance counts: cells that show a thing (DAFormer), or everywhere."""
    feature_distance_majority: Fraction = 0.75
    """Share of a cell's pixels that its most frequent class must fill. Only with `things`."""
    color: ColorSettings = ColorSettings()
    """Applied to class-mixed frames."""
    style: StyleSettings = StyleSettings()
    """Of replayed frames, before classes are taken from them."""
    scored: Literal["student", "teacher"] = "teacher"
    """Which network is evaluated."""

    def term_weights(self) -> Mapping[str, float]:
        """Clean and mix, and what else has a weight here."""
        return {
            "clean": self.clean_weight,
            "mix": self.mix_weight,
            "source_feature_distance": self.source_feature_distance,
            "target_feature_distance": self.target_feature_distance,
            "entropy": self.entropy_weight,
        }

    @model_validator(mode="after")
    def _rows_are_left(self) -> Self:
        if self.ignored_top + self.ignored_bottom >= 1.0:
            raise ValueError(
                f"method.ignored_top is {self.ignored_top}, but method.ignored_bottom is {self.ignored_bottom}, which "
                "leaves no row whose pseudo-labels count; choose shares that add up to less than 1"
            )
        return self
