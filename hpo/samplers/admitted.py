"""View of a study for samplers and pruners: trials that they can learn from, also of other programs."""

import copy
import math
from collections.abc import Collection, Container, Mapping
from typing import Any, Final

import optuna
from optuna.distributions import check_distribution_compatibility
from optuna.trial import FrozenTrial, TrialState

from hpo.samplers.history import FIXED, GENOME
from hpo.search_space import Space
from hpo.search_space.given_points import accepted, whole_point
from hpo.search_space.parameter import Raw

EXCLUDED: Final = "excluded/{number}"
"""User attribute of a study for a trial that a user excluded: the reason; empty if the trial counts again."""


def excluded_trials(attributes: Mapping[str, Any]) -> dict[int, str]:
    """Returns the reasons of excluded trials by number, from the user attributes of their study."""
    prefix = EXCLUDED.format(number="")
    found = {key.removeprefix(prefix): reason for key, reason in attributes.items() if key.startswith(prefix)}
    return {int(number): str(reason) for number, reason in found.items() if reason and number.isdecimal()}


def check_result(trial: FrozenTrial, space: Space, objectives: int, limits: Collection[str]) -> None:
    """Checks that a finished trial is a result for this space.

    Args:
        trial: finished trial.
        space: search space.
        objectives: number of objectives.
        limits: texts of the constraints, whose violations a complete trial must have.

    Raises:
        ValueError: its point or its values do not fit; the text gives the reason.
    """
    whole_point(space, trial.params)
    if trial.state != TrialState.COMPLETE:
        return
    values = trial.values or []
    if len(values) != objectives:
        raise ValueError(f"it has {len(values)} values, but the study has {objectives} objectives")
    broken = [value for value in values if not math.isfinite(value)]
    if broken:
        raise ValueError(f"its value is {broken[0]}")
    unknown = [limit for limit in limits if limit not in trial.constraints]
    if unknown:
        raise ValueError(f"its violation of the constraint {unknown[0]!r} is unknown")


def given_point(space: Space, trial: FrozenTrial) -> dict[str, Raw]:
    """Returns the enqueued and the stored values of an unfinished trial, in the types of the space.

    Raises:
        ValueError: one of them is not of the space; the text gives the reason.
    """
    given = accepted(space, {**trial.system_attrs.get(FIXED, {}), **trial.params})
    own = space.distributions()
    for name, distribution in trial.distributions.items():
        try:
            check_distribution_compatibility(distribution, own[name])
        except ValueError:
            raise ValueError(f"{name} is stored with another distribution") from None
    return given


class AdmittedStudy(optuna.Study):
    """Study without the trials that are excluded or that are no results for the space.

    Trials of other programs may lack parameters, or store them with other distributions; those that fit the space are
    shown with the distributions of the space.
    """

    def __init__(self, study: optuna.Study, space: Space, limits: Collection[str], excluded: Mapping[int, str]) -> None:
        """Wraps a study.

        Args:
            study: study to wrap.
            space: search space of the study.
            limits: texts of the constraints.
            excluded: reasons of excluded trials, from `excluded_trials`.
        """
        super().__init__(study.study_name, study._storage, study.sampler, study.pruner)
        self.excluded = dict(excluded)
        self._space = space
        self._limits = tuple(limits)
        self._objectives = len(study.directions)
        self._own = space.distributions()
        self._judged: dict[int, FrozenTrial | None] = {}

    def left_out(self, trial: FrozenTrial) -> str:
        """Returns why a trial does not count as a result; empty if it counts, or has none."""
        if trial.number in self.excluded:
            return f"excluded: {self.excluded[trial.number]}"
        if trial.state != TrialState.COMPLETE:
            return ""
        try:
            check_result(trial, self._space, self._objectives, self._limits)
        except ValueError as problem:
            return f"not a result of this study: {problem}"
        return ""

    def set_aside(self) -> list[FrozenTrial]:
        """Returns the finished trials that a user excluded, if their results fit the space."""
        finished = [trial for trial in super()._get_trials(deepcopy=False) if trial.state.is_finished()]
        fitting = [self._fitting(trial) for trial in finished if trial.number in self.excluded]
        return [trial for trial in fitting if trial is not None]

    def refresh(self) -> None:
        """Forgets the trials that Optuna remembers for the length of a proposal."""
        self._thread_local.cached_all_trials = None

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        trials = super()._get_trials(deepcopy=False, states=states, use_cache=use_cache)
        shown = [one for trial in trials if (one := self._shown(trial)) is not None]
        return copy.deepcopy(shown) if deepcopy else shown

    def _shown(self, trial: FrozenTrial) -> FrozenTrial | None:
        if trial.number in self.excluded:
            return None
        if not trial.state.is_finished():
            return trial if self._is_of_space(trial) else None
        if trial.number not in self._judged:
            self._judged[trial.number] = self._fitting(trial)
        return self._judged[trial.number]

    def _is_of_space(self, trial: FrozenTrial) -> bool:
        """Returns True if the known values of an unfinished trial are of the space."""
        try:
            accepted(self._space, self._genome(trial))
            given_point(self._space, trial)
        except ValueError:
            return False
        return True

    def _fitting(self, trial: FrozenTrial) -> FrozenTrial | None:
        """Returns a finished trial with the distributions of the space; None if it is no result for the space."""
        try:
            check_result(trial, self._space, self._objectives, self._limits)
        except ValueError:
            return None
        fitting = copy.copy(trial)
        fitting.params = whole_point(self._space, trial.params)
        fitting.distributions = {name: self._own[name] for name in fitting.params}
        try:
            accepted(self._space, self._genome(trial))
        except ValueError:
            # It was copied from a study with another space.
            fitting.system_attrs = {key: value for key, value in trial.system_attrs.items() if key != GENOME}
        return fitting

    def _genome(self, trial: FrozenTrial) -> Mapping[str, Any]:
        genome = trial.system_attrs.get(GENOME, {})
        return {name: value for name, value in genome.items() if name in self._own}
