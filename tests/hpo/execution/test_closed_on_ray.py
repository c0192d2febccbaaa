"""Tests on Ray of trials that people enqueue and close while a study runs."""

from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.trial import TrialState

from benchmarks.search.idle import IdleTrainable
from benchmarks.search.overhead import STUDY
from hpo.config.study_file import load_study
from hpo.execution.cluster import Resources, cluster
from hpo.execution.prometheus import Gauges
from hpo.execution.tune import execute
from hpo.orchestration.coordinator import RunCoordinator
from hpo.study.attributes import REASON
from hpo.study.drivers import joined
from hpo.study.jobs import Job, Outcome
from hpo.study.plan import Plan
from hpo.study.study import open_study
from segada.records import RunReport


class Hand:
    """An observer that does after first visits what a user may do with Optuna meanwhile."""

    def __init__(self, optuna_study: optuna.Study) -> None:
        self.study = optuna_study
        self.visits: list[tuple[str, int]] = []
        self.ends: dict[str, Outcome] = {}

    def visited(self, job: Job, report: RunReport) -> None:
        self.visits.append((job.name, len(report.visits)))
        if self.visits[-1] == ("trial 0", 1):
            self.study.enqueue_trial({"x": 1.0})
            self.study.tell(0, state=TrialState.FAIL)
        elif self.visits[-1] == ("trial 2", 1):
            self.study.tell(2, 0.99)

    def ended(self, job: Job, outcome: Outcome) -> None:
        self.ends[job.name] = outcome

    def started(self, job: Job) -> None: ...

    def recovered(self, job: Job) -> None: ...

    def dropped(self, job: Job) -> None: ...

    def waiting(self, drivers: Sequence[str]) -> None: ...


def test_a_study_goes_on_beside_what_people_do_with_its_trials(tmp_path: Path) -> None:
    study_of_three = STUDY.format(trials=4, workers=1).replace("visits: [clear]", "visits: [clear, clear, clear]")
    (tmp_path / "idle.yaml").write_text(study_of_three)
    file, out = load_study(str(tmp_path / "idle.yaml"), {"confirm.top": 0}), tmp_path / "out"
    with joined(out) as driver, cluster(Resources(1, 1, 0, 1), None) as ray:
        study = open_study(file, out, driver)
        hand = Hand(study.optuna_study)
        gauges = Gauges(file.settings.name, study.budget(), file.settings.constraints)
        coordinator = RunCoordinator(study, Plan(file, out), [hand, gauges])
        execute(coordinator, {}, ray, driver.scratch, 2, IdleTrainable)

    trials = study.optuna_study.get_trials(deepcopy=False)
    assert [trial.state for trial in trials[:3]] == [TrialState.FAIL, TrialState.FAIL, TrialState.COMPLETE]
    assert "x is not a parameter of this space" in trials[1].user_attrs[REASON]
    assert hand.ends["trial 0"] == Outcome("fail", None, "told FAIL from outside")
    assert hand.ends["trial 2"] == Outcome("complete", None, "told COMPLETE from outside")
    assert [visits for name, visits in hand.visits if name in ("trial 0", "trial 2")] == [1, 1]
    assert hand.ends["trial 3"].report is not None
    assert coordinator.is_over
    assert not coordinator.is_stopped
