"""The main job with runs that compute nothing, in this process: as in `hpo run` but for Ray and the engine."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from study_samples import leave_run, random_areas, report

import hpo.session.main_job
from hpo.orchestration.coordinator import RunCoordinator
from hpo.study.jobs import Job, RunUpdate
from segada.records import RunReport


def threshold_gain(job: Job) -> float | str:
    """What a run gains: its threshold, in hundredths."""
    threshold = job.parameters.get("method.pseudo_threshold", 0.0)
    assert isinstance(threshold, float)
    return threshold / 100


@dataclass
class CostlessRuns:
    """Does what is left of a study, one run after the other."""

    outcome: Callable[[Job], float | str] = threshold_gain
    """Gain of a run, or the reason for which it fails."""
    change: Callable[[RunReport, Job], RunReport] = lambda whole, _: whole
    """What becomes of the report of a run, of which all visits have labels."""
    stops_after: int | None = None
    """Number of runs after which the session is interrupted."""
    jobs: list[str] = field(default_factory=list)

    def work_off(self, coordinator: RunCoordinator, *_: object) -> None:
        while (job := coordinator.next_job()) is not None:
            if self.stops_after is not None and len(self.jobs) >= self.stops_after:
                coordinator.stop()
                return
            self.jobs.append(job.name)
            outcome = self.outcome(job)
            if isinstance(outcome, str):
                coordinator.broke(job, outcome)
                continue
            whole = self.change(report(outcome, seed=job.settings.seed), job)
            leave_run(job, whole, random_areas(np.random.default_rng(0), 0.6 + outcome, frames=8))
            lines = "".join(visit.model_dump_json() + "\n" for visit in whole.visits)
            (job.folder / "visits.jsonl").write_text(lines, encoding="utf-8")
            coordinator.visited(job, RunUpdate(report=whole, finished=True))


def put_in(monkeypatch: pytest.MonkeyPatch, runs: CostlessRuns) -> CostlessRuns:
    """Makes these the runs of the main job."""
    monkeypatch.setattr(hpo.session.main_job, "_work_off", runs.work_off)
    return runs
