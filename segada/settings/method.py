"""Adaptation algorithms and their numbers."""

from typing import Annotated, Literal

from pydantic import Field

from segada.settings.base import Fraction, NonNegative, Positive, Settings


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


class SourceOnlySettings(Settings):
    """No adaptation: the model as it left its training."""

    name: Literal["source_only"]


class BatchNormSettings(Settings):
    """Re-estimation of batch-norm statistics on target frames; nothing learns (Schneider et al. 2020)."""

    name: Literal["batch_norm"]
    momentum: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    """Weight of the newest batch in the running statistics."""


class DacsSettings(Settings):
    """Class-mix self-training with an averaging teacher (Tranheden et al. 2021, arXiv 2007.08702)."""

    name: Literal["dacs"] = "dacs"
    optimiser: OptimiserSettings = OptimiserSettings()
    clean_weight: NonNegative = 0.5
    """Weight of the cross-entropy on replayed source frames."""
    mix_weight: NonNegative = 1.0
    """Weight of the cross-entropy on class-mixed frames."""
    threshold: Fraction = 0.968
    """Teacher confidence from which a pixel counts as sure; the share of sure pixels weighs the pseudo-labels."""
    ema_alpha: Fraction = 0.99
    """Share of the old teacher in the new one; in effect min(1 - 1/(step + 1), ema_alpha)."""
    mix_ratio: Fraction = 0.5
    """Share of the source classes in a batch that are pasted onto target frames."""
    ignored_top: Fraction = 0.0
    """Share of the rows, from the top, whose pseudo-labels get weight 0."""
    ignored_bottom: Fraction = 0.0
    """Share of the rows, from the bottom, whose pseudo-labels get weight 0 (the car's bonnet)."""
    source_feature_distance: NonNegative = 0.0
    """Weight of the distance between student and static features on things in source frames; 0 skips it."""
    target_feature_distance: NonNegative = 0.0
    """Weight of the distance between student and static features on target frames; 0 skips it."""
    feature_distance_classes: Literal["things", "all"] = "things"
    """Where in source frames the distance counts: cells that show a thing (DAFormer), or everywhere."""
    feature_distance_majority: Fraction = 0.75
    """Share of a cell's pixels that its most frequent class must fill. Only with `things`."""
    colour: ColourSettings = ColourSettings()
    """Applied to mixed frames."""
    scored: Literal["student", "teacher"] = "teacher"
    """Which network is evaluated."""


class SupervisedSettings(Settings):
    """Learning from labelled source frames alone: pre-training."""

    name: Literal["supervised"]
    optimiser: OptimiserSettings = OptimiserSettings(learning_rate=3e-3)
    colour: ColourSettings = ColourSettings()
    crop: Fraction = 0.75
    """Smallest side of the random crop, as a share of the frame's; crops are resized back. 1 is off."""
    flip_probability: Fraction = 0.5


MethodSettings = Annotated[
    SourceOnlySettings | BatchNormSettings | DacsSettings | SupervisedSettings, Field(discriminator="name")
]
