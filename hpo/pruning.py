"""Which trials stop before their last visit."""

from typing import Literal

from optuna import Study
from optuna.pruners import BasePruner, NopPruner, SuccessiveHalvingPruner
from optuna.trial import FrozenTrial
from pydantic import Field

from segada.settings.base import Count, Settings


class HalvingSettings(Settings):
    """Asynchronous successive halving over visits (Li et al. 2020, arXiv 1810.05934).

    After `min_visits`, and again after `reduction` times as many, a trial goes on only if it is among the best
    1 / `reduction` of all that came as far.
    """

    name: Literal["halving"] = "halving"
    min_visits: Count = 2
    """Visits that every trial completes."""
    reduction: int = Field(default=2, ge=2)
    startup: int = Field(default=0, ge=0)
    """Trials, the first ones, that are never stopped: they show how wide the results spread, and breed the next."""


class PatientPruner(BasePruner):
    """Another pruner that leaves the first trials alone."""

    def __init__(self, pruner: BasePruner, startup: int) -> None:
        self._pruner = pruner
        self._startup = startup

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial stops now."""
        # Asked in any case: halving notes at each rung who came by, and later trials are ranked among these.
        hopeless = self._pruner.prune(study, trial)
        return hopeless and trial.number >= self._startup


def build_pruner(settings: HalvingSettings | None) -> BasePruner:
    """The pruner of a study; one that never prunes without settings."""
    if settings is None:
        return NopPruner()
    halving = SuccessiveHalvingPruner(min_resource=settings.min_visits, reduction_factor=settings.reduction)
    return PatientPruner(halving, settings.startup)
