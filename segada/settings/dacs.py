"""Settings of DACS and of the terms of its loss."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import model_validator

from segada.settings.augmentation import StyleSettings, WindowSettings
from segada.settings.base import Fraction, NonNegative
from segada.settings.learning import ColorSettings, LabelLearningSettings
from segada.settings.masked_consistency import MaskedConsistencySettings


class DacsSettings(LabelLearningSettings):
    """Class-mix self-training with a mean teacher (Tranheden et al. 2021, arXiv 2007.08702)."""

    name: Literal["dacs"] = "dacs"
    clean_weight: NonNegative = 0.5
    """Weight of the cross-entropy on replayed source frames. As with every weight here, 0 skips the term's
    computation."""
    mix_weight: NonNegative = 1.0
    """Weight of the cross-entropy on mixed frames."""
    mixing: Literal["class_mix", "target_only"] = "class_mix"
    """Mixing of frames. `class_mix` pastes source classes onto target frames; `target_only` trains on the target frames
    without pasting and without color augmentation."""
    target_labels: Literal["pseudo", "ground_truth"] = "pseudo"
    """Labels of target frames. `pseudo`: the teacher's pseudo-labels. `ground_truth`: the target's own labels, an upper
    bound, each with weight 1, ignored rows included."""
    entropy_weight: NonNegative = 0.0
    """Weight of the mean entropy of the student's softmax on target frames, at the resolution of its output (TENT)."""
    pseudo_threshold: Fraction = 0.968
    """Teacher confidence from which a pixel counts as confident; the share of confident pixels weights the
    pseudo-labels. With `ground_truth` that share is reported and weights nothing."""
    ema_alpha: Fraction = 0.99
    """Share of the old teacher in the new one; the effective value is min(1 - 1/(step + 1), ema_alpha)."""
    mix_ratio: Fraction = 0.5
    """Share of the source classes in a batch that are pasted onto target frames. Only with `class_mix`."""
    class_draw: Literal["once", "per_frame", "own"] = "once"
    """Draw of the pasted classes in a batch of several frames. `once`: from the classes of the batch, the same for all
    frames. `per_frame`: from the classes of the batch, anew for each frame (DAFormer, Hamlet). `own`: for each frame
    from its own classes (DACS). Only with `class_mix`."""
    window: WindowSettings = WindowSettings()
    """Windows of source and target frames that the method learns from; predictions are of whole frames. `class_share`
    and `rare_share` hold for source frames alone."""
    flip_probability: Fraction = 0.0
    """Probability of mirroring a source or target frame, each by itself, before the method learns from it."""
    pseudo_ignore_top: Fraction = 0.0
    """Share of the rows, from the top, whose pseudo-labels get weight 0; rows of the window where there is one, as in
    DAFormer. Ground truth keeps its weight there."""
    pseudo_ignore_bottom: Fraction = 0.0
    """Share of the rows, from the bottom, whose pseudo-labels get weight 0 (the car's bonnet)."""
    source_fdist_lambda: NonNegative = 0.0
    """Weight of the distance between student and static features on thing classes in source frames."""
    target_fdist_lambda: NonNegative = 0.0
    """Weight of the distance between student and static features on all of the target frames."""
    reference_checkpoint: str | None = None
    """Checkpoint of the static model's encoder, given as in `model.checkpoint`, for instance an ImageNet one; null
    takes the source model. Only with a feature distance."""
    fdist_classes: Literal["things", "all"] = "things"
    """Cells of source frames in which the feature distance counts: those of thing classes (DAFormer), or all."""
    fdist_min_share: Fraction = 0.75
    """Share of a cell's pixels that its most frequent class must fill. Only with `things`."""
    color: ColorSettings = ColorSettings()
    """Color augmentation of class-mixed frames."""
    masked_consistency: MaskedConsistencySettings = MaskedConsistencySettings()
    """Loss term on masked target frames. Rows that `pseudo_ignore_top` and `_bottom` leave out count neither there."""
    style: StyleSettings = StyleSettings()
    """Style augmentation of source frames, before class-mix."""
    evaluated_network: Literal["student", "teacher"] = "teacher"
    """Network that is evaluated."""

    def term_weights(self) -> Mapping[str, float]:
        """Returns the weights of the terms `clean`, `mix`, feature distances, `entropy` and `masked`."""
        return {
            "clean": self.clean_weight,
            "mix": self.mix_weight,
            "source_feature_distance": self.source_fdist_lambda,
            "target_feature_distance": self.target_fdist_lambda,
            "entropy": self.entropy_weight,
            "masked": self.masked_consistency.weight,
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
