"""Replays a search on recorded trials, whose visits end in the order that a number of workers would give."""

import heapq
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import Trial, TrialState

from benchmarks.search.nearest_recorded import NearestRecordedSampler
from benchmarks.search.recorded import RecordedTable
from hpo.pruners.settings import HalvingSettings, build_pruner, judged_by
from hpo.samplers.history import RUNG


@dataclass(frozen=True)
class Found:
    """A completed trial that was better than all before it.

    Attributes:
        frames: Number of frames that all trials had adapted to by then.
        mean_miou: Mean mIoU of the trial, in [0, 1].
    """

    frames: int
    mean_miou: float


@dataclass(order=True)
class _Running:
    """A running trial, ordered by the end of its next visit and then by its number."""

    ends: float
    number: int
    trial: Trial
    row: int
    visits: int = 0


class VirtualClock:
    """Simulates workers that take the recorded time for each visit, without waiting.

    The study is a real one, in memory: sampler and pruner see running, pruned and complete trials as in a real search.
    """

    def __init__(
        self, table: RecordedTable, sampler: BaseSampler, pruning: HalvingSettings | None, workers: int
    ) -> None:
        """Starts the workers.

        Args:
            table: the recorded trials.
            sampler: sampler of the study.
            pruning: pruner that stops trials after a visit; None stops none.
            workers: number of parallel trials.
        """
        self._table = table
        self.sampler = NearestRecordedSampler(sampler, table)
        self.frames = 0
        """Number of frames adapted to so far, by all trials."""
        self._value = judged_by(pruning)
        pruner = build_pruner(pruning, Path())
        self.study = optuna.create_study(sampler=self.sampler, pruner=pruner, direction="maximize")
        self._running: list[_Running] = []
        self._best: list[Found] = []
        for _ in range(workers):
            self._start(0.0)

    def search(self, frames: int) -> list[Found]:
        """Runs the workers until the budget of frames or the table is exhausted; returns improvements in order."""
        while self._running and self.frames < frames:
            self._visit(heapq.heappop(self._running))
        return self._best

    def _start(self, now: float) -> None:
        if self.sampler.is_spent:
            return
        trial = self.study.ask()
        self._table.space.suggest(trial)
        self._schedule(_Running(now, trial.number, trial, self.sampler.rows[trial.number]))

    def _schedule(self, running: _Running) -> None:
        running.ends += self._table.trials[running.row].visits[running.visits].seconds
        heapq.heappush(self._running, running)

    def _visit(self, running: _Running) -> None:
        recorded = self._table.trials[running.row].visits
        self.frames += recorded[running.visits].frames
        running.visits += 1
        value = self._table.rung_value(running.row, running.visits, self._value)
        # Optuna's own samplers read intermediate values, those of `hpo` the rung's losses.
        running.trial.report(value, running.visits)
        self.study._storage.set_trial_system_attr(running.trial._trial_id, RUNG.format(visits=running.visits), [-value])
        if running.visits == len(recorded):
            self._complete(running)
        elif running.trial.should_prune():
            self.study.tell(running.trial, state=TrialState.PRUNED)
        else:
            self._schedule(running)
            return
        self._start(running.ends)

    def _complete(self, running: _Running) -> None:
        reached = float(self._table.mean_miou[running.row])
        self.study.tell(running.trial, reached)
        if not self._best or reached > self._best[-1].mean_miou:
            self._best.append(Found(self.frames, reached))
