"""Gauges of the running trials for Prometheus, on the metrics port of this Ray node."""

import math
from collections import deque
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from hpo.monitoring.prometheus import EXPORTED, KEPT, STATES, VISITS
from hpo.monitoring.trial_counts import TrialCounts
from hpo.study.jobs import Job, Outcome
from segada.records import RunReport

if TYPE_CHECKING:
    from ray.util.metrics import Counter, Gauge

Labels = tuple[str, ...]


class Gauges:
    """An observer that keeps the metrics of `hpo.monitoring.prometheus` up to date.

    A gauge that is set to NaN is exported no more: so the gauges of trials that ended long ago are taken back, and a
    study of thousands of trials has no more of them than a Prometheus can bear.
    """

    def __init__(self, study: str, counts: TrialCounts) -> None:
        """Reports nothing yet: before Ray runs there is nobody to report to.

        Args:
            study: its name.
            counts: of the trials that are over.
        """
        self._study = study
        self._trials = dict.fromkeys(STATES, 0)
        self._trials |= {"complete": counts.complete, "pruned": counts.pruned, "fail": counts.failed}
        self._seen: dict[str, int] = {}
        self._shown: dict[str, set[tuple[str, Labels]]] = {}
        self._over: deque[str] = deque()

    # Ray is imported here: the main job has this observer before it needs Ray.
    @cached_property
    def _gauges(self) -> "dict[str, Gauge]":
        from ray.util.metrics import Gauge

        return {
            name: Gauge(name, description=one.meaning, tag_keys=one.labels)
            for name, one in EXPORTED.items()
            if not one.counts
        }

    @cached_property
    def _visits(self) -> "Counter":
        from ray.util.metrics import Counter

        one = EXPORTED[VISITS]
        return Counter(VISITS, description=one.meaning, tag_keys=one.labels)

    def started(self, job: Job) -> None:
        """One more runs."""
        self._seen[job.name] = 0
        self._count(job, "running", 1)

    def visited(self, job: Job, report: RunReport) -> None:
        """Its gauges move."""
        new = report.visits[self._seen[job.name] :]
        self._seen[job.name] = len(report.visits)
        # Ray refuses to count nothing.
        if new:
            self._visits.inc(len(new), {"study": self._study})
        if job.kind != "trial":
            return
        for record in new:
            self._show(job, "segada_miou", record.visited_miou, record.domain)
            self._show(job, "segada_frames_per_second", record.frames_per_second)
            if record.peak_memory is not None:
                self._show(job, "segada_peak_memory_bytes", 2**20 * record.peak_memory)
        self._show(job, "segada_gain", report.gain)

    def recovered(self, job: Job) -> None:
        """Nothing changes: it still runs."""

    def dropped(self, job: Job) -> None:
        """It runs no more here."""
        self._count(job, "running", -1)
        self._take_back(job.name)

    def waiting(self, drivers: Sequence[str]) -> None:
        """Nothing changes: what those drivers do, they report."""

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Its gauges stay for a while."""
        self._count(job, "running", -1)
        self._count(job, outcome.state, 1)
        if job.kind == "trial":
            self._over.append(job.name)
            while len(self._over) > KEPT:
                self._take_back(self._over.popleft())

    def _count(self, job: Job, state: str, change: int) -> None:
        if job.kind == "trial":
            self._trials[state] += change
            for name, count in self._trials.items():
                self._gauges["segada_trials"].set(count, {"study": self._study, "state": name})

    def _show(self, job: Job, name: str, value: float, *further: str) -> None:
        labels = (self._study, job.name, *further)
        self._shown.setdefault(job.name, set()).add((name, labels))
        self._set(name, labels, value)

    def _take_back(self, job: str) -> None:
        for name, labels in self._shown.pop(job, ()):
            self._set(name, labels, math.nan)

    def _set(self, name: str, labels: Labels, value: float) -> None:
        self._gauges[name].set(value, dict(zip(EXPORTED[name].labels, labels, strict=True)))
