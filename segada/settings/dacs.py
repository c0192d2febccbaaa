"""DACS and its terms."""

from typing import Literal

from segada.settings.base import Fraction, NonNegative, Settings
from segada.settings.learning import ColourSettings, OptimiserSettings


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
