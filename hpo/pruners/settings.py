"""Settings of pruning, and construction of the pruner."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from optuna import Study
from optuna.pruners import BasePruner, NopPruner
from optuna.trial import FrozenTrial
from pydantic import BeforeValidator, Field

from hpo.pruners.code_pruner import CodePruner
from hpo.pruners.halving import HalvingPruner
from hpo.pruners.paired import PairedPruner
from segada.settings.base import Count, Number, Settings
from segada.settings.limits import COUNT
from segada.settings.named_kinds import Kinds


class HalvingSettings(Settings):
    """Asynchronous successive halving over visits (Li et al. 2020, arXiv 1810.05934).

    After `min_visits`, and again after `reduction_factor` times as many, a trial continues only if it is among the best
    1 / `reduction_factor` of all trials that got that far: by `value`, or with several objectives by non-dominated rank
    in that value and the other objectives so far.
    """

    name: Literal["halving"] = "halving"
    min_visits: Count = 2
    """Number of visits that every trial completes."""
    reduction_factor: int = Field(default=2, ge=2, le=COUNT)
    n_startup_trials: Number = 0
    """Number of first trials that are never pruned: they show the spread of the results, and are parents of the next
    ones.
    """
    value: Literal["projected_gain", "gain_so_far"] = "projected_gain"
    """Value by which trials are compared. `gain_so_far` is the mean gain over source-only on the visits so far.
    `projected_gain` adds the domains ahead in the stream with their current mIoU: a configuration that adapts fast may
    lose at first and win later, which the domains ahead show early.
    """


class PairedSettings(Settings):
    """Paired test, frame by frame, against the best trial so far, after each visit from `min_visits` on.

    Halving prunes a fixed share of the trials, however close they are; the paired test prunes clearly worse trials,
    however many.
    """

    name: Literal["paired"]
    min_visits: Count = 2
    """Number of visits that every trial completes."""
    alpha: float = Field(default=0.01, gt=0, lt=0.5)
    """Level of the one-sided test over held-out frames. The test is repeated after every visit, so slightly
    more than this share of trials as good as the best is pruned.
    """
    n_startup_trials: Number = 0
    """Number of first trials that are never pruned: they are parents of the next ones."""


PruningSettings = Annotated[
    HalvingSettings | PairedSettings | CodePruner,
    Kinds(),
    BeforeValidator(lambda given: {"name": "halving", **given} if isinstance(given, dict) else given),
]
"""Settings of pruning; halving if the study file names no pruner."""


class PatientPruner(BasePruner):
    """Pruner that exempts the first trials, and the first visits, from another pruner."""

    def __init__(self, pruner: BasePruner, startup: int, visits: int = 0) -> None:
        self._pruner = pruner
        self._startup = startup
        self._visits = visits

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Returns True if the trial stops now."""
        early = trial.number < self._startup or (trial.last_step or 0) < self._visits
        return not early and self._pruner.prune(study, trial)


PRUNERS: dict[str, Callable[[Any, Path], BasePruner]] = {
    "halving": lambda settings, _trials: HalvingPruner(settings.min_visits, settings.reduction_factor),
    "paired": lambda settings, trials: PairedPruner(settings.min_visits, settings.alpha, trials),
}
"""Functions that build a pruner, by name, from its settings and the parent folder of the trials' folders."""


def judged_by(settings: HalvingSettings | PairedSettings | CodePruner | None) -> str:
    """Returns the key of `rung_values.RUNG_VALUES` that trials report after a visit."""
    return settings.value if isinstance(settings, HalvingSettings) else "gain_so_far"


def verdict(settings: HalvingSettings | PairedSettings | CodePruner | None, visits: int, value: float) -> str:
    """Returns why a trial was pruned, in one line.

    Args:
        settings: settings of the pruner; None if another one decided.
        visits: number of visits after which it was pruned.
        value: its value then, that of `judged_by`.
    """
    stopped = f"stopped after visit {visits}"
    if isinstance(settings, HalvingSettings):
        share = f"1/{settings.reduction_factor} of the trials that came so far"
        return f"{stopped}: not among the best {share} ({settings.value} {value:+.4f})"
    if isinstance(settings, CodePruner):
        return f"{stopped} by {settings.name}"
    if isinstance(settings, PairedSettings):
        return f"{stopped}: worse than the best trial, frame by frame (p < {settings.alpha:g}, mean gain {value:+.4f})"
    return stopped


def build_pruner(settings: HalvingSettings | PairedSettings | CodePruner | None, trials: Path) -> BasePruner:
    """Builds the pruner of a study with the trials' folders in `trials`; without settings it never prunes."""
    if settings is None:
        return NopPruner()
    if isinstance(settings, CodePruner):
        return PatientPruner(settings.made(), settings.n_startup_trials, settings.min_visits)
    return PatientPruner(PRUNERS[settings.name](settings, trials), settings.n_startup_trials)
