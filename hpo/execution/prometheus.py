"""Prometheus gauges of the running trials, on the metrics port of this Ray node."""

import math
from collections import deque
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from hpo.config.objectives import ConstraintSettings
from hpo.monitoring.prometheus import EXPORTED, KEPT, STATES, VISITS
from hpo.study.budget import TrialBudget
from hpo.study.jobs import Job, Outcome
from segada.records import RunReport

if TYPE_CHECKING:
    from ray.util.metrics import Counter, Gauge

Labels = tuple[str, ...]


class Gauges:
    """Observer that keeps the metrics of `hpo.monitoring.prometheus` up to date.

    Ray no longer exports a gauge that is set to NaN. Gauges of trials that ended long ago are set to NaN, so that the
    number of time series of a study with thousands of trials stays bounded.
    """

    def __init__(self, study: str, counts: TrialBudget, constraints: Sequence[ConstraintSettings] = ()) -> None:
        """Reports nothing yet: Ray does not run.

        Args:
            study: name of the study.
            counts: numbers of trials that are over.
            constraints: limits that a trial must keep, so that its gauges stay after its end.
        """
        self._study = study
        self._constraints = constraints
        self._trials = dict.fromkeys(STATES, 0)
        self._trials |= {"complete": counts.complete, "pruned": counts.pruned, "fail": counts.failed}
        self._seen: dict[str, int] = {}
        self._shown: dict[str, set[tuple[str, Labels]]] = {}
        self._over: deque[str] = deque()

    # Ray is imported here: the driver has this observer before it needs Ray.
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
        """Counts one more running trial."""
        self._seen[job.name] = 0
        self._count(job, "running", 1)

    def visited(self, job: Job, report: RunReport) -> None:
        """Updates the gauges of the job."""
        new = report.visits[self._seen[job.name] :]
        self._seen[job.name] = len(report.visits)
        # Ray refuses an increment of 0.
        if new:
            self._visits.inc(len(new), {"study": self._study})
        if job.kind != "trial":
            return
        for record in new:
            if record.is_scored:
                self._show(job, "segada_miou", record.visited_miou, record.domain)
            self._show(job, "segada_frames_per_second", record.frames_per_second)
            if record.peak_memory is not None:
                self._show(job, "segada_peak_memory_bytes", 2**20 * record.peak_memory)
        if not math.isnan(report.gain):
            self._show(job, "segada_gain", report.gain)

    def recovered(self, job: Job) -> None:
        """Changes nothing: the job still runs."""

    def dropped(self, job: Job) -> None:
        """Counts one running trial less, and removes its gauges."""
        self._count(job, "running", -1)
        self._take_back(job.name)

    def exhausted(self, end: str) -> None:
        """Does nothing."""

    def waiting(self, drivers: Sequence[str]) -> None:
        """Changes nothing: the other drivers report their own jobs."""

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Counts the outcome; the last `KEPT` ended trials keep their gauges, except those that break a constraint: the
        greatest gain is shown as the best.
        """
        self._count(job, "running", -1)
        self._count(job, outcome.state, 1)
        if job.kind != "trial":
            return
        report = outcome.report
        if report is not None and outcome.state == "complete" and self._breaks(report):
            self._take_back(job.name)
        else:
            self._over.append(job.name)
            while len(self._over) > KEPT:
                self._take_back(self._over.popleft())

    def _breaks(self, report: RunReport) -> bool:
        return any(constraint.violation(report) > 0 for constraint in self._constraints)

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
