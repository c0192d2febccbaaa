"""Baselines of studies on `segada`."""

from typing import Final

from hpo.study.names import BATCH_NORM, SOURCE_ONLY
from segada.settings import RunSettings
from segada.settings.adapter import NoAdapter
from segada.settings.controller import ConstantSettings
from segada.settings.image_adapter import NoImageAdapter
from segada.settings.method import BatchNormSettings, SourceOnlySettings

BASELINES: Final[dict[str, SourceOnlySettings | BatchNormSettings]] = {
    SOURCE_ONLY: SourceOnlySettings(name="source_only"),
    BATCH_NORM: BatchNormSettings(name="batch_norm"),
}
"""Methods that run beside every search: the source model as it is, and with fresh batch-norm statistics alone."""


def baseline(settings: RunSettings, name: str) -> RunSettings:
    """Returns the settings of a baseline in place of a trial's.

    Args:
        settings: Settings of a trial.
        name: Key of `BASELINES`.
    """
    # Baselines have no teacher for the agreement score, and no class-mixes to show.
    asked = tuple(score for score in settings.evaluation.label_free if score != "agreement")
    sections = {
        "method": BASELINES[name],
        "adapter": NoAdapter(),
        "image_adapter": NoImageAdapter(),
        "controller": ConstantSettings(),
        "evaluation": settings.evaluation.model_copy(update={"label_free": asked}),
        "logging": settings.logging.model_copy(update={"mix_panels": None}),
    }
    return settings.model_copy(update=sections)
