"""A study that is stopped: Tune says the visits that ran once more, and no worker is taken for dead of it."""

from collections.abc import Sequence
from pathlib import Path

from optuna.trial import TrialState

from hpo.agenda import Agenda
from hpo.attributes import MISHAPS
from hpo.bench.overhead import STUDY
from hpo.drivers import joined
from hpo.jobs import Job, Outcome
from hpo.plan import Plan
from hpo.progress import tally_of
from hpo.study import open_study
from hpo.study_file import load_study
from hpo.tuning.cluster import Resources, cluster
from hpo.tuning.execution import execute
from hpo.tuning.gauges import Gauges
from hpo.tuning.idle import IdleTrainable
from segada.records import RunReport


class Stopping:
    """An observer that stops the study at the second visit of trial 1."""

    def __init__(self) -> None:
        self.agenda: Agenda | None = None
        self.visits: list[tuple[str, int]] = []
        self.recoveries: list[str] = []

    def visited(self, job: Job, report: RunReport) -> None:
        self.visits.append((job.name, len(report.visits)))
        if self.visits[-1] == ("trial 1", 2):
            assert self.agenda is not None
            self.agenda.stop()

    def recovered(self, job: Job) -> None:
        self.recoveries.append(job.name)

    def started(self, job: Job) -> None: ...

    def dropped(self, job: Job) -> None: ...

    def waiting(self, drivers: Sequence[str]) -> None: ...

    def ended(self, job: Job, outcome: Outcome) -> None: ...


def test_visits_that_ran_when_a_study_was_stopped_are_the_last(tmp_path: Path) -> None:
    study_of_three = STUDY.format(trials=5, workers=1).replace("visits: [clear]", "visits: [clear, clear, clear]")
    (tmp_path / "idle.yaml").write_text(study_of_three)
    file, out = load_study(str(tmp_path / "idle.yaml")), tmp_path / "out"
    watch = Stopping()
    with joined(out) as driver, cluster(Resources(1, 1, 0, 1), None) as ray:
        study = open_study(file, out, driver)
        watch.agenda = Agenda(study, Plan(file, out), [watch, Gauges(file.settings.name, tally_of(study))])
        execute(watch.agenda, {}, ray, driver.scratch, 2, IdleTrainable)

    assert watch.recoveries == []
    assert watch.visits[-1] == ("trial 1", 2)
    assert len(watch.visits) == len(set(watch.visits))
    assert watch.agenda.running == 0
    assert [trial.state for trial in study.ledger.trials] == [TrialState.COMPLETE, TrialState.RUNNING]
    assert all(MISHAPS not in trial.user_attrs for trial in study.ledger.trials)
