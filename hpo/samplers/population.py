"""The complete trials of a study from which its next ones descend."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from deap import base, tools
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from hpo.samplers.ranking import Losses, dominates, losses_of, violations_of

LAYERS = {2: 12, 3: 4}
"""Divisions of each axis between the reference points of NSGA-III, by the number of objectives; 3 with more of them."""

BATCH = 64
"""Trials that are taken in at a time: every two of them are compared."""


@dataclass(frozen=True)
class Candidate:
    """A trial as DEAP's selection of survivors sees it."""

    trial: FrozenTrial
    fitness: base.Fitness


class Archive:
    """Every trial that can be among the best `size` ones; of others it knows that they cannot, for good.

    Such a trial is worse than fewer than `size` others. So what a long study costs is read once, and what is kept does
    not depend on the order in which it came.
    """

    def __init__(self, directions: Sequence[StudyDirection], size: int) -> None:
        """Begins empty.

        Args:
            directions: of the objectives.
            size: of the population.
        """
        self._directions = list(directions)
        self._size = size
        self._trials: list[FrozenTrial] = []

    def add(self, trials: Sequence[FrozenTrial]) -> None:
        """Takes in complete trials."""
        for start in range(0, len(trials), BATCH):
            self._trials = sorted([*self._trials, *trials[start : start + BATCH]], key=lambda trial: trial.number)
            self._prune()

    def survivors(self, selection: str) -> list[FrozenTrial]:
        """The best, best first. Draws from the global generators, as DEAP does: see `deap_randomness`.

        One objective ranks by itself; several do by NSGA-II (Deb et al. 2002) or NSGA-III (Deb and Jain 2014). Trials
        that exceed a limit come after all that keep it, those first that exceed it least.
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
            # Of equals the newer one: on a plateau the population moves on.
            chosen: list[Candidate] = tools.selBest(candidates[::-1], count)
        else:
            chosen = SELECTIONS[selection](candidates, count)
        return chosen

    def _prune(self) -> None:
        losses, violations = losses_of(self._trials, self._directions), violations_of(self._trials)
        worse_than = _better_ones(losses, violations)
        self._trials = [trial for trial, better in zip(self._trials, worse_than, strict=True) if better < self._size]


def _better_ones(losses: Losses, violations: Losses) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Of each trial, how many others it can never come before."""
    if losses.shape[1] == 1:
        # The newer of two equals is the better one, as it is for `survivors`.
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
"""How survivors are selected by several objectives."""
