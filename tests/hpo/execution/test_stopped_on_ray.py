"""Tests of a stopped study: Tune reports running visits once more, and no worker counts as dead."""

from collections.abc import Sequence
from pathlib import Path

from optuna.trial import TrialState

from benchmarks.search.idle import IdleTrainable
from benchmarks.search.overhead import STUDY
from hpo.config.study_file import load_study
from hpo.execution.cluster import Resources, cluster
from hpo.execution.prometheus import Gauges
from hpo.execution.tune import execute
from hpo.orchestration.coordinator import RunCoordinator
from hpo.study.attributes import INCIDENTS
from hpo.study.drivers import joined
from hpo.study.jobs import Job, Outcome
from hpo.study.plan import Plan
from hpo.study.study import open_study
from segada.records import RunReport


class Stopping:
    """An observer that stops the study at the second visit of trial 1."""

    def __init__(self) -> None:
        self.coordinator: RunCoordinator | None = None
        self.visits: list[tuple[str, int]] = []
        self.recoveries: list[str] = []

    def visited(self, job: Job, report: RunReport) -> None:
        self.visits.append((job.name, len(report.visits)))
        if self.visits[-1] == ("trial 1", 2):
            assert self.coordinator is not None
            self.coordinator.stop()

    def recovered(self, job: Job) -> None:
        self.recoveries.append(job.name)

    def started(self, job: Job) -> None: ...

    def dropped(self, job: Job) -> None: ...

    def waiting(self, drivers: Sequence[str]) -> None: ...

    def exhausted(self, end: str) -> None: ...

    def ended(self, job: Job, outcome: Outcome) -> None: ...


def test_visits_that_ran_when_a_study_was_stopped_are_the_last(tmp_path: Path) -> None:
    study_of_three = STUDY.format(trials=5, workers=1).replace("visits: [clear]", "visits: [clear, clear, clear]")
    (tmp_path / "idle.yaml").write_text(study_of_three)
    file, out = load_study(str(tmp_path / "idle.yaml")), tmp_path / "out"
    watch = Stopping()
    with joined(out) as driver, cluster(Resources(1, 1, 0, 1), None) as ray:
        study = open_study(file, out, driver)
        watch.coordinator = RunCoordinator(study, Plan(file, out), [watch, Gauges(file.settings.name, study.budget())])
        execute(watch.coordinator, {}, ray, driver.scratch, 2, IdleTrainable)

    assert watch.recoveries == []
    assert watch.visits[-1] == ("trial 1", 2)
    assert len(watch.visits) == len(set(watch.visits))
    assert watch.coordinator.running == 0
    assert [trial.state for trial in study.optuna_study.trials] == [TrialState.COMPLETE, TrialState.RUNNING]
    assert all(INCIDENTS not in trial.user_attrs for trial in study.optuna_study.trials)
