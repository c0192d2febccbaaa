"""Tests of the end of a search whose configurations have all been tried."""

import time
from io import StringIO
from pathlib import Path

import pytest
from optuna.trial import TrialState
from rich.console import Console
from study_samples import report

from hpo.config.study_file import StudyFile, load_study
from hpo.monitoring.locations import places
from hpo.monitoring.status import status_of
from hpo.monitoring.status_view import print_plain
from hpo.monitoring.summary import print_summary
from hpo.orchestration.coordinator import RunCoordinator
from hpo.reporting.outputs import write_outputs
from hpo.study.created_files import Made, MadeRuns
from hpo.study.drivers import joined
from hpo.study.jobs import Job, RunUpdate
from hpo.study.plan import Plan
from hpo.study.provenance import write_study
from hpo.study.study import Study, open_study, read_study

TEXT = """\
name: three
run: {stream: {visits: [clear, 50mm, 200mm]}, evaluation: {split: val}}
space:
  method.ema_alpha: {type: choice, choices: [0.9, 0.95, 0.99], default: 0.99}
sampler: {name: SAMPLER}
budget: {trials: TRIALS}
confirm: {top: 0}
"""
SAID = "the search space is exhausted: all 3 configurations of the space have been tried"


def file_of(folder: Path, trials: int = 8, sampler: str = "genetic", text: str = TEXT) -> StudyFile:
    path = folder / "three.yaml"
    path.write_text(text.replace("TRIALS", str(trials)).replace("SAMPLER", sampler), encoding="utf-8")
    return load_study(str(path))


def asked(study: Study, count: int) -> list[int]:
    proposals = [study.ask() for _ in range(count)]
    return [proposal.number for proposal in proposals if proposal is not None]


@pytest.fixture
def file(tmp_path: Path) -> StudyFile:
    return file_of(tmp_path)


def test_a_search_ends_with_its_configurations_and_stays_ended(file: StudyFile, tmp_path: Path) -> None:
    study = open_study(file, tmp_path / "out")
    assert asked(study, 5) == [0, 1, 2]
    study.complete(0, [0.5])
    study.prune(1)
    # A trial still runs, and might leave its configuration free.
    assert study.ask() is None
    assert not study.is_search_over()
    study.fail(2, "the loss is not finite")
    assert study.ask() is None
    assert study.is_search_over()
    assert study.remaining() == 0
    again = open_study(file_of(tmp_path, trials=20), tmp_path / "out")
    assert (asked(again, 2), again.is_search_over(), str(again.exhaustion())) == ([], True, SAID)
    assert read_study(file, tmp_path / "out").is_search_over()


def test_a_configuration_that_failed_for_a_passing_reason_comes_again(file: StudyFile, tmp_path: Path) -> None:
    study = open_study(file, tmp_path / "out")
    assert asked(study, 3) == [0, 1, 2]
    study.complete(0, [0.5])
    study.fail(1, "its worker died", passes=True)
    study.fail(2, "the loss is not finite")
    assert asked(study, 2) == [3]
    trials = study.optuna_study.get_trials(deepcopy=False)
    assert trials[3].params == trials[1].params
    study.complete(3, [0.4])
    assert (asked(study, 1), study.is_search_over()) == ([], True)


def test_two_drivers_try_no_configuration_twice(file: StudyFile, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with joined(out) as first, joined(out) as second:
        studies = [open_study(file, out, driver) for driver in (first, second)]
        numbers = [number for _ in range(3) for study in studies for number in asked(study, 1)]
        assert numbers == [0, 1, 2]
        for number in numbers:
            studies[number % 2].complete(number, [0.5])
        assert [asked(study, 1) for study in studies] == [[], []]
        assert all(study.is_search_over() for study in studies)
        assert len({studies[0].configuration(one).hash for one in studies[1].finished()}) == 3


def test_a_trial_that_is_added_later_runs_and_the_search_ends_again(file: StudyFile, tmp_path: Path) -> None:
    study = open_study(file, tmp_path / "out")
    for number in asked(study, 3):
        study.complete(number, [0.5])
    assert study.ask() is None
    study.optuna_study.enqueue_trial({"method.ema_alpha": 0.9})
    assert not study.is_search_over()
    assert asked(study, 2) == [3]
    study.complete(3, [0.5])
    assert (asked(study, 1), study.is_search_over()) == ([], True)


def test_a_grid_ends_with_its_points_and_another_sampler_goes_on(tmp_path: Path) -> None:
    text = TEXT.replace(
        "{type: choice, choices: [0.9, 0.95, 0.99], default: 0.99}", "{type: float, low: 0.9, high: 0.99}"
    )
    file = file_of(tmp_path, sampler="grid, levels: 2", text=text)
    study = open_study(file, tmp_path / "out")
    for number in asked(study, 4):
        study.complete(number, [0.5])
    assert (asked(study, 1), len(study.finished()), study.is_search_over()) == ([], 2, True)
    assert (
        str(study.exhaustion())
        == "the search space is exhausted: all 2 configurations of the sampler grid have been tried"
    )
    other = open_study(file_of(tmp_path, sampler="random", text=text), tmp_path / "out")
    assert (other.is_search_over(), asked(other, 1)) == (False, [2])


class Said(MadeRuns):
    """Observer that keeps why the search ended."""

    def __init__(self) -> None:
        super().__init__(Made())
        self.ends: list[str] = []

    def exhausted(self, end: str) -> None:
        self.ends.append(end)


def worked_off(coordinator: RunCoordinator) -> list[str]:
    names = []
    while not coordinator.is_over:
        job: Job | None = coordinator.next_job()
        assert job is not None or coordinator.is_over
        if job is not None:
            names.append(job.name)
            coordinator.visited(job, RunUpdate(report=report(0.01), finished=True))
    return names


def test_log_summary_report_and_status_say_so(file: StudyFile, tmp_path: Path) -> None:
    out, said = tmp_path / "out", Said()
    study, plan = open_study(file, out), Plan(file, out)
    write_study(file, out)
    names = worked_off(RunCoordinator(study, plan, [said]))
    assert [name for name in names if name.startswith("trial")] == ["trial 0", "trial 1", "trial 2"]
    assert said.ends == [SAID]
    results = write_outputs(study, plan, {})
    printed = StringIO()
    print_summary(results, out, Console(file=printed, width=200))
    assert SAID in " ".join(printed.getvalue().split())
    assert f"{SAID}, before the 8 trials of the budget" in (out / "report.html").read_text(encoding="utf-8")
    status = status_of(places(str(out), None)[0], time.time())
    lines: list[str] = []
    print_plain(status, lines.append)
    assert (status.ended_by, status.is_over) == ("space", True)
    assert any("none to start: the search space is exhausted" in line for line in lines)
    # A later driver has nothing to do, and says nothing again.
    later = Said()
    assert set(worked_off(RunCoordinator(open_study(file, out), plan, [later]))) <= {"source_only", "batch_norm"}
    assert later.ends == []


def test_the_reason_of_a_failure_decides_whether_its_configuration_is_used(file: StudyFile, tmp_path: Path) -> None:
    study = open_study(file, tmp_path / "out")
    coordinator = RunCoordinator(study, Plan(file, tmp_path / "out"), [])
    trials: list[Job] = []
    while len(trials) < 3:
        job = coordinator.next_job()
        assert job is not None
        trials += [job] if job.kind == "trial" else []
    coordinator.broke(trials[0], "its worker died 3 times", passes=True)
    coordinator.visited(trials[1], RunUpdate(report=None, finished=False, failure="out of memory", passes=True))
    coordinator.visited(trials[2], RunUpdate(report=None, finished=False, failure="the loss is not finite"))
    again = [job.parameters for job in (coordinator.next_job() for _ in range(3)) if job is not None]
    assert sorted(map(str, again)) == sorted(str(job.parameters) for job in trials[:2])
    assert [one.state for one in study.finished()] == [TrialState.FAIL] * 3
