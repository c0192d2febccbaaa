"""Population of a genetic algorithm: the complete trials from which the next ones descend."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from deap import base, tools
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from hpo.samplers.ranking import Losses, dominates, losses_of, violations_of

LAYERS = {2: 12, 3: 4}
"""Divisions of each axis between the reference points of NSGA-III, by number of objectives; 3 for more objectives."""

BATCH = 64
"""Number of trials added at a time; they are compared pairwise."""


@dataclass(frozen=True)
class Candidate:
    """Trial in the form that DEAP's selection of survivors uses."""

    trial: FrozenTrial
    fitness: base.Fitness


class Archive:
    """Keeps every trial that can be among the best `size`, and drops for good those that cannot.

    A kept trial is worse than fewer than `size` others. So each trial of a long study is read once, and the result does
    not depend on the order of the trials.
    """

    def __init__(self, directions: Sequence[StudyDirection], size: int) -> None:
        """Starts empty.

        Args:
            directions: directions of the objectives.
            size: size of the population.
        """
        self._directions = list(directions)
        self._size = size
        self._trials: list[FrozenTrial] = []

    def add(self, trials: Sequence[FrozenTrial]) -> None:
        """Adds complete trials."""
        for start in range(0, len(trials), BATCH):
            self._trials = sorted([*self._trials, *trials[start : start + BATCH]], key=lambda trial: trial.number)
            self._prune()

    def survivors(self, selection: str) -> list[FrozenTrial]:
        """Returns the best trials, best first. Draws from the global generators, as DEAP does; see `deap_randomness`.

        One objective is ranked directly, several by NSGA-II (Deb et al. 2002) or NSGA-III (Deb and Jain 2014). Trials
        that violate a constraint come after all feasible ones, in order of their violation.
        """
        violations = violations_of(self._trials)
        kept = [trial for trial, excess in zip(self._trials, violations, strict=True) if excess == 0.0]
        broken = [self._trials[index] for index in np.argsort(violations, kind="stable") if violations[index] > 0.0]
        best = [candidate.trial for candidate in self._selected(kept, selection)]
        return [*best, *broken][: self._size]

    def _selected(self, trials: Sequence[FrozenTrial], selection: str) -> list[Candidate]:
        weights = tuple(1.0 if one == StudyDirection.MAXIMIZE else -1.0 for one in self._directions)
        fitness = type("Fitness", (base.Fitness,), {"weights": weights})
        candidates = [Candidate(trial, fitness(tuple(trial.values))) for trial in trials]
        count = min(self._size, len(candidates))
        if len(weights) == 1 or not candidates:
            # Of equal trials the newer is preferred, so that the population moves on a plateau.
            chosen: list[Candidate] = tools.selBest(candidates[::-1], count)
        else:
            chosen = SELECTIONS[selection](candidates, count)
        return chosen

    def _prune(self) -> None:
        losses, violations = losses_of(self._trials, self._directions), violations_of(self._trials)
        worse_than = _better_ones(losses, violations)
        self._trials = [trial for trial, better in zip(self._trials, worse_than, strict=True) if better < self._size]


def _better_ones(losses: Losses, violations: Losses) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Returns, for each trial, the number of trials that it can never precede."""
    if losses.shape[1] == 1:
        # Of two equal trials the newer is better, as in `survivors`.
        order = np.lexsort((-np.arange(len(losses)), losses[:, 0], violations))
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        return places
    kept = violations == 0.0
    beats = dominates(losses, losses) & kept[:, None] & kept[None]
    beats |= violations[:, None] < violations[None]
    return np.asarray(beats.sum(axis=0), np.int64)


def _nsga2(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    chosen: list[Candidate] = tools.selNSGA2(list(candidates), count, nd="log")
    return chosen


def _nsga3(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    objectives = len(candidates[0].fitness.wvalues)
    points = tools.uniform_reference_points(objectives, LAYERS.get(objectives, 3))
    chosen: list[Candidate] = tools.selNSGA3(list(candidates), count, points)
    return chosen


SELECTIONS = {"nsga2": _nsga2, "nsga3": _nsga3}
"""Selections of survivors with several objectives, by name."""
