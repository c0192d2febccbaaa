"""Adaptation algorithms and their numbers; the larger ones have files of their own."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from segada.settings.adversarial import AdversarialSettings
from segada.settings.base import Fraction, NonNegative, Settings
from segada.settings.cotta import CottaSettings
from segada.settings.dacs import DacsSettings
from segada.settings.learning import ColourSettings, LearningSettings, OptimiserSettings
from segada.settings.tent import TentSettings


class SourceOnlySettings(Settings):
    """No adaptation: the model as it left its training."""

    name: Literal["source_only"]


class BatchNormSettings(Settings):
    """Re-estimation of batch-norm statistics on target frames; nothing learns (Schneider et al. 2020)."""

    name: Literal["batch_norm"]
    momentum: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    """Weight of the newest batch in the running statistics."""


class SupervisedSettings(LearningSettings):
    """Learning from labelled source frames alone: pre-training."""

    name: Literal["supervised"]
    optimiser: OptimiserSettings = OptimiserSettings(learning_rate=3e-3)
    colour: ColourSettings = ColourSettings()
    crop: Fraction = 0.75
    """Smallest side of the random crop, as a share of the frame's; crops are resized back. 1 is off."""
    flip_probability: Fraction = 0.5
    light_weight: NonNegative = 0.0
    """Weight of the cross-entropy of the head's light exit, beside 1 for the main exit; 0 leaves the light exit out."""

    def term_weights(self) -> Mapping[str, float]:
        """Both exits; a network in which nothing but the light exit learns has no `clean`."""
        return {"clean": 1.0, "light": self.light_weight}


MethodSettings = Annotated[
    SourceOnlySettings
    | BatchNormSettings
    | TentSettings
    | CottaSettings
    | DacsSettings
    | AdversarialSettings
    | SupervisedSettings,
    Field(discriminator="name"),
]
