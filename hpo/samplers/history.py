"""What a study has tried: read from its trials, each of them once."""

from collections.abc import Mapping, Sequence

import numpy as np
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from hpo.samplers.active_genes import ActiveGenes
from hpo.search_space import Space
from hpo.search_space.parameter import Raw
from hpo.search_space.scaling import from_unit

Genome = dict[str, Raw]
"""A value for every dimension of the space, active or not."""

GENOME = "genome"
"""System attribute of a trial: what was proposed for it, values that are not expressed among it."""

FIXED = "fixed_params"
"""System attribute in which Optuna keeps what an enqueued trial must have."""

MISSING = 3
"""The word after the seed of the draw for genes that a trial does not carry."""


DIGITS = 12
"""Of two numbers that are the same up to so many significant digits, one is not tried after the other."""


class TrialHistory:
    """The points of a study's trials. Nothing here is state: a new process reads the same from the study."""

    def __init__(self, space: Space, study: Study | None = None) -> None:
        """Begins with nothing read; without a study there never will be anything."""
        self._active_genes = ActiveGenes(space)
        self._study = study
        self._tried: set[frozenset[tuple[str, Raw]]] = set()
        self._open: dict[int, dict[str, Raw]] = {}
        self._count = 0

    def is_of(self, study: Study) -> bool:
        """Whether this is what the study has tried, and not another one."""
        known = self._study
        return known is not None and known._study_id == study._study_id and known._storage is study._storage

    def look(self) -> list[FrozenTrial]:
        """Reads on; returns trials that have finished since the last look, in order of their numbers."""
        assert self._study is not None
        trials = self._study.get_trials(deepcopy=False)
        unread = [*(trials[number] for number in self._open), *trials[self._count :]]
        finished = [trial for trial in unread if trial.state.is_finished()]
        self._count = len(trials)
        self._tried.update(self._key(trial.params) for trial in finished)
        self._open = {
            trial.number: self._active_genes(promised(trial)) for trial in unread if not trial.state.is_finished()
        }
        return finished

    def running(self, number: int) -> list[dict[str, Raw]]:
        """Points of trials that have not finished, but for the one with this number, as far as they are known."""
        return [point for other, point in self._open.items() if other != number]

    def is_new(self, point: Mapping[str, Raw], number: int) -> bool:
        """Whether no trial but the one with this number, finished or not, has this configuration."""
        key = self._key(point)
        return key not in self._tried and all(key != _rounded(other) for other in self.running(number))

    def _key(self, point: Mapping[str, Raw]) -> frozenset[tuple[str, Raw]]:
        return _rounded(self._active_genes(point))


def _rounded(point: Mapping[str, Raw]) -> frozenset[tuple[str, Raw]]:
    """A point by which it is compared: on another processor the same number may be computed with other last bits."""
    return frozenset(
        (name, float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value) for name, value in point.items()
    )


def promised(trial: FrozenTrial) -> dict[str, Raw]:
    """What is known of the point of a trial that may not have named all of its parameters yet."""
    return {**trial.system_attrs.get(FIXED, {}), **trial.system_attrs.get(GENOME, {}), **trial.params}


def whole(space: Space, trial: FrozenTrial, seed: int) -> Genome:
    """All genes of a trial: what it ran with, the inactive ones as it carried them, or by its number if it did not.

    Trials that were enqueued, or that came from another study, may carry none of their own.
    """
    carried = {**trial.system_attrs.get(GENOME, {}), **trial.params}
    distributions = space.distributions()
    lacking = [name for name in distributions if name not in carried]
    if not lacking:
        return {name: carried[name] for name in distributions}
    units = np.random.default_rng((seed, MISSING, trial.number)).random(len(distributions))
    drawn = {name: from_unit(one, unit) for (name, one), unit in zip(distributions.items(), units, strict=True)}
    return {name: carried.get(name, drawn[name]) for name in distributions}


def complete(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Those that have a result: neither pruned nor failed."""
    return [trial for trial in trials if trial.state == TrialState.COMPLETE]
