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
    pseudo_threshold: Fraction = 0.968
    """Teacher confidence from which a pixel counts as sure; the share of sure pixels weighs the pseudo-labels. With
    `ground_truth` that share is reported and weighs nothing."""
    ema_alpha: Fraction = 0.99
    """Share of the old teacher in the new one; in effect min(1 - 1/(step + 1), ema_alpha)."""
    mix_ratio: Fraction = 0.5
    """Share of the source classes in a batch that are pasted onto target frames. Only with `class_mix`."""
    pseudo_ignore_top: Fraction = 0.0
    """Share of the rows, from the top, whose pseudo-labels get weight 0. Ground truth keeps its weight there."""
    pseudo_ignore_bottom: Fraction = 0.0
    """Share of the rows, from the bottom, whose pseudo-labels get weight 0 (the car's bonnet)."""
    source_fdist_lambda: NonNegative = 0.0
    """Weight of the distance between student and static features on things in source frames."""
    target_fdist_lambda: NonNegative = 0.0
    """Weight of the distance between student and static features on target frames, wherever they show what."""
    reference_checkpoint: str | None = None
    """Whose encoder is the static model's: a checkpoint as in `model.checkpoint`, an ImageNet one for instance; null
    takes the source model. Only with a feature distance."""
    fdist_classes: Literal["things", "all"] = "things"
    """Where in source frames the distance counts: cells that show a thing (DAFormer), or everywhere."""
    fdist_min_share: Fraction = 0.75
    """Share of a cell's pixels that its most frequent class must fill. Only with `things`."""
    color: ColorSettings = ColorSettings()
    """Applied to class-mixed frames."""
    style: StyleSettings = StyleSettings()
    """Of replayed frames, before classes are taken from them."""
    evaluated_network: Literal["student", "teacher"] = "teacher"
    """Which network is evaluated."""

    def term_weights(self) -> Mapping[str, float]:
        """Clean and mix, and what else has a weight here."""
        return {
            "clean": self.clean_weight,
            "mix": self.mix_weight,
            "source_feature_distance": self.source_fdist_lambda,
            "target_feature_distance": self.target_fdist_lambda,
            "entropy": self.entropy_weight,
        }

    @model_validator(mode="after")
    def _rows_are_left(self) -> Self:
        if self.pseudo_ignore_top + self.pseudo_ignore_bottom >= 1.0:
            raise ValueError(
                f"method.pseudo_ignore_top is {self.pseudo_ignore_top}, but method.pseudo_ignore_bottom is "
                f"{self.pseudo_ignore_bottom}, which "
                "leaves no row whose pseudo-labels count; choose shares that add up to less than 1"
            )
        return self
