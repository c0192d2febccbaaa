"""Adapter for Optuna samplers without support for conditions: they see a study with all dimensions active."""

import copy
from collections.abc import Callable, Container, Mapping, Sequence

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from hpo.samplers.history import GENOME, Genome, whole
from hpo.samplers.optuna_sampler import OptunaPointSampler
from hpo.samplers.ranking import places
from hpo.search_space import Space
from hpo.search_space.parameter import Raw
from hpo.search_space.scaling import from_unit

FILL = 5
"""Word after the seed for drawing dimensions that the sampler does not set."""


class UnconditionalSampler(OptunaPointSampler):
    """Shows a sampler every trial with a value for every dimension, as if there were no conditions.

    Such samplers model the parameters that all trials have and draw the others at random; in a space with branches few
    parameters are common. Inactive values are the inactive genes recorded with the trial.
    """

    ranked = False
    """True if the sampler sees ranks of trials instead of objectives: for samplers with a single objective."""

    def __init__(self, space: Space, seed: int, make: Callable[[int], BaseSampler]) -> None:
        super().__init__(space, seed, make)
        self._coded = {name: self.code(one) for name, one in self._distributions.items() if not one.single()}
        self._filled: dict[int, FrozenTrial] = {}

    def code(self, distribution: BaseDistribution) -> BaseDistribution:
        """Returns the distribution that the sampler sees: the dimension itself, or integers for choices."""
        return distribution

    def begin(self, study: optuna.Study) -> None:  # noqa: ARG002 - only that it is another one matters
        self._filled = {}

    def propose(self, study: optuna.Study, trial: FrozenTrial, attempt: int) -> Genome:
        sampler = self.sampler_for(trial, attempt)
        shown = FlatStudy(study, self._shown, ranked=self.ranked)
        found = {
            name: self._decoded(name, value)
            for name, value in sampler.sample_relative(shown, trial, dict(self._coded)).items()
        }
        units = np.random.default_rng((self._seed, FILL, trial.number, attempt)).random(len(self._distributions))
        return {
            name: found[name] if name in found else from_unit(one, unit)
            for (name, one), unit in zip(self._distributions.items(), units, strict=True)
        }

    def _shown(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Returns the trials with a value for every dimension; trials without values are left out."""
        known = [trial for trial in trials if trial.state.is_finished() or GENOME in trial.system_attrs]
        return [self._filled.get(trial.number) or self._fill(trial) for trial in known]

    def _fill(self, trial: FrozenTrial) -> FrozenTrial:
        filled = copy.copy(trial)
        genome = whole(self._space, trial, self._seed)
        filled.params = {name: self._encoded(name, genome[name]) for name in self._coded}
        filled.distributions = dict(self._coded)
        if trial.state.is_finished():
            self._filled[trial.number] = filled
        return filled

    def _encoded(self, name: str, value: Raw) -> Raw:
        choice = self._choices_behind(name)
        return value if choice is None else int(choice.to_internal_repr(value))

    def _decoded(self, name: str, value: Raw) -> Raw:
        choice = self._choices_behind(name)
        if choice is None:
            return value
        assert isinstance(value, int)
        decoded: Raw = choice.to_external_repr(value)
        return decoded

    def _choices_behind(self, name: str) -> CategoricalDistribution | None:
        """Returns the choices of a dimension that is coded as integers; None for other dimensions."""
        true = self._distributions[name]
        coded = isinstance(self._coded[name], IntDistribution)
        return true if isinstance(true, CategoricalDistribution) and coded else None


class FlatStudy(optuna.Study):
    """Read-only view of a study for a sampler; the sampler's own notes go into the real study's storage."""

    def __init__(
        self, study: optuna.Study, show: Callable[[Sequence[FrozenTrial]], list[FrozenTrial]], *, ranked: bool
    ) -> None:
        """Wraps a study.

        Args:
            study: study to wrap.
            show: maps the study's trials to those that the sampler sees.
            ranked: True to show each trial's rank, to be minimized, instead of its objectives.
        """
        super().__init__(study_name=study.study_name, storage=study._storage)
        self._wrapped = study
        self._show = show
        self._ranks: Mapping[int, int] | None = None
        if ranked:
            complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            self._ranks = places(complete, study.directions)

    @property
    def directions(self) -> list[StudyDirection]:
        return super().directions if self._ranks is None else [StudyDirection.MINIMIZE]

    def _get_trials(
        self,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
        use_cache: bool = False,
    ) -> list[FrozenTrial]:
        trials = self._show(self._wrapped._get_trials(deepcopy, states, use_cache))
        return trials if self._ranks is None else [self._placed(trial, self._ranks) for trial in trials]

    def _placed(self, trial: FrozenTrial, ranks: Mapping[int, int]) -> FrozenTrial:
        if trial.number not in ranks:
            return trial
        placed = copy.copy(trial)
        placed.values = [float(ranks[trial.number])]
        return placed
