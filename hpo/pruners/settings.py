"""Which trials stop before their last visit."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from optuna import Study
from optuna.pruners import BasePruner, NopPruner
from optuna.trial import FrozenTrial
from pydantic import BeforeValidator, Field

from hpo.pruners.halving import HalvingPruner
from hpo.pruners.paired import PairedPruner
from segada.settings.base import Count, Number, Settings
from segada.settings.limits import COUNT


class HalvingSettings(Settings):
    """Asynchronous successive halving over visits (Li et al. 2020, arXiv 1810.05934).

    After `min_visits`, and again after `reduction_factor` times as many, a trial goes on only if it is among the best
    1 / `reduction_factor` of all that came as far: by `value`, and with several objectives by non-dominated rank in
    that value and in the other objectives so far.
    """

    name: Literal["halving"] = "halving"
    min_visits: Count = 2
    """Visits that every trial completes."""
    reduction_factor: int = Field(default=2, ge=2, le=COUNT)
    n_startup_trials: Number = 0
    """Trials, the first ones, that are never stopped: they show how wide the results spread, and breed the next."""
    value: Literal["projected_gain", "gain_so_far"] = "projected_gain"
    """`gain_so_far` is the mean gain over source-only on the visits so far. `projected_gain` adds the domains of the
    stream that are still to come, as they are scored now: what learns fast loses at first and wins later, as shows
    there."""


class PairedSettings(Settings):
    """A paired test, frame by frame, against the best trial so far, after each visit from `min_visits` on.

    Halving stops a share of the trials, however close they are; this stops those that are clearly worse, however many.
    """

    name: Literal["paired"]
    min_visits: Count = 2
    """Visits that every trial completes."""
    alpha: float = Field(default=0.01, gt=0, lt=0.5)
    """Level of the one-sided signed-rank test over held-out frames. The test is made after every visit, so that of
    trials as good as the best somewhat more than this share are stopped."""
    n_startup_trials: Number = 0
    """Trials, the first ones, that are never stopped: they breed the next."""


PruningSettings = Annotated[
    HalvingSettings | PairedSettings,
    Field(discriminator="name"),
    BeforeValidator(lambda given: {"name": "halving", **given} if isinstance(given, dict) else given),
]
"""Halving where a study file names nothing."""


class PatientPruner(BasePruner):
    """Another pruner that leaves the first trials alone."""

    def __init__(self, pruner: BasePruner, startup: int) -> None:
        self._pruner = pruner
        self._startup = startup

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial stops now."""
        return trial.number >= self._startup and self._pruner.prune(study, trial)


PRUNERS: dict[str, Callable[[Any, Path], BasePruner]] = {
    "halving": lambda settings, _trials: HalvingPruner(settings.min_visits, settings.reduction_factor),
    "paired": lambda settings, trials: PairedPruner(settings.min_visits, settings.alpha, trials),
}
"""From a pruner's name and settings, and the folder of the trials' folders."""


def judged_by(settings: HalvingSettings | PairedSettings | None) -> str:
    """The key of `objectives.RUNG_VALUES` that trials report after a visit."""
    return settings.value if isinstance(settings, HalvingSettings) else "gain_so_far"


def build_pruner(settings: HalvingSettings | PairedSettings | None, trials: Path) -> BasePruner:
    """The pruner of a study whose trials leave their files in `trials`; one that never prunes without settings."""
    if settings is None:
        return NopPruner()
    return PatientPruner(PRUNERS[settings.name](settings, trials), settings.n_startup_trials)
