"""Tests of metrics of the user: what a study optimizes and bounds by them, and what is said if one has no value."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from optuna.trial import TrialState
from own_search import FILE, named
from study_samples import leave_run, report
from study_texts import study_text

import hpo
import hpo.report
import hpo.status
from hpo.config.code_metric import value_of_code
from hpo.config.objectives import ConstraintSettings, objective_value
from hpo.config.study_file import load_study
from hpo.orchestration.coordinator import RunCoordinator
from hpo.reporting.outputs import write_outputs
from hpo.results.collect import read_results
from hpo.session.command import answered
from hpo.study.attributes import REASON
from hpo.study.drivers import joined
from hpo.study.jobs import Job, RunUpdate
from hpo.study.plan import Plan
from hpo.study.provenance import write_study
from hpo.study.study import Study, open_study
from segada.cli.exit_codes import DONE, NO_ANSWER
from segada.errors import InputError
from segada.settings import named_kinds

OBJECTIVE = "objectives: [{metric: METRIC, goal: maximize}]"
CONSTRAINT = "constraints: [{metric: METRIC, at_least: 0.3}]"


def written(folder: Path, metric: str, line: str = OBJECTIVE) -> Path:
    path = folder / "own.yaml"
    lines = (line.replace("METRIC", f'"{metric}"'), "budget: {trials: 2}", "confirm: {top: 1, seeds: 1}")
    path.write_text(study_text(*lines, name="own"), encoding="utf-8")
    return path


def finished(path: Path, out: Path, gains: tuple[float, float] = (0.01, 0.03)) -> tuple[Study, Plan]:
    """Runs a study in which every run ends after its visits; returns it with its plan."""
    file = load_study(str(path))
    study, plan = open_study(file, out), Plan(file, out)
    with joined(out) as driver, driver.exclusive():
        write_study(file, out)
    coordinator = RunCoordinator(study, plan, [])
    while (job := coordinator.next_job()) is not None:
        finish(coordinator, job, dict(zip(("trial 0", "trial 1"), gains, strict=True)).get(job.name, 0.0))
    assert coordinator.is_over
    return study, plan


def finish(coordinator: RunCoordinator, job: Job, gain: float) -> None:
    for visits in (1, 2, 3):
        whole = report(gain, visits, job.settings.seed)
        if visits == 3:
            leave_run(job, whole, np.ones((4, 3, 19), np.int64))
        if not coordinator.visited(job, RunUpdate(report=whole, finished=visits == 3)):
            return


def test_its_value_is_that_of_the_function() -> None:
    whole = report(0.02)
    assert objective_value(named("halves"), whole) == whole.mean_miou / 2
    limit = ConstraintSettings(metric=named("halves"), at_least=1.0)
    assert limit.violation(whole) == 1.0 - whole.mean_miou / 2
    assert limit.text == "own_search.py:halves at least 1.0"


@pytest.mark.parametrize(
    ("metric", "problem"),
    [
        ("undefined", "returns nan"),
        ("raising", "fails: KeyError: 'night"),
        ("textual", "returns '0.4"),
        ("changing", ""),
    ],
)
def test_a_value_that_is_no_number_has_a_reason(metric: str, problem: str) -> None:
    _, said = value_of_code(named(metric), report(0.0))
    assert said.startswith(f"the metric {named(metric)} {problem}" if problem else "")
    assert bool(said) == bool(problem)
    assert "\n" not in said


def test_trials_are_ranked_by_it(tmp_path: Path) -> None:
    study, plan = finished(written(tmp_path, named("halves")), tmp_path / "out")
    values = [trial.values[0] for trial in study.finished()]
    assert values == [report(gain).mean_miou / 2 for gain in (0.01, 0.03)]
    best = read_results(study, plan).best
    assert best is not None
    assert best.number == 1


def test_trials_keep_a_limit_on_it(tmp_path: Path) -> None:
    study, plan = finished(written(tmp_path, named("halves"), CONSTRAINT), tmp_path / "out", (-0.05, 0.3))
    assert [report(gain).mean_miou / 2 >= 0.3 for gain in (-0.05, 0.3)] == [False, True]
    best = read_results(study, plan).best
    assert best is not None
    assert best.number == 1
    assert [trial.constraints for trial in study.finished()] != [{}, {}]


@pytest.mark.parametrize("line", [OBJECTIVE, CONSTRAINT])
@pytest.mark.parametrize(
    ("metric", "reason"),
    [("undefined", "returns nan"), ("raising", "fails: KeyError: 'night"), ("textual", "returns '0.")],
)
def test_a_trial_without_a_value_fails_with_the_reason_and_the_study_goes_on(
    line: str, metric: str, reason: str, tmp_path: Path
) -> None:
    study, plan = finished(written(tmp_path, named(metric), line), tmp_path / "out")
    trials = study.finished()
    assert [trial.state for trial in trials] == [TrialState.FAIL] * 2
    assert all(f"the metric {named(metric)} {reason}" in trial.user_attrs[REASON] for trial in trials)
    assert answered(read_results(study, plan).no_answer) == NO_ANSWER


@pytest.mark.parametrize("line", [OBJECTIVE, CONSTRAINT])
@pytest.mark.parametrize(
    ("metric", "said"),
    [
        (named("absent"), f"'{named('absent')}': {FILE} has no 'absent'; it defines"),
        (named("of_two"), "is not a metric: it is called with (report), but takes (report: "),
        (named("FILE"), "is not a metric: name a function of (report), not a PosixPath"),
        ("./gone.py:metric", "gone.py:metric': there is no file "),
        ("no_such_lab:metric", "'no_such_lab:metric': there is no module no_such_lab; install it, add its folder to"),
        ("gain + ./gone.py:metric", "; a formula has no code: compute it in the function"),
    ],
)
def test_what_is_no_metric_is_refused_with_its_line(line: str, metric: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        load_study(str(written(tmp_path, metric, line)))
    place = line.partition(":")[0]
    assert str(refused.value).startswith(f"{tmp_path}/own.yaml:7: {place}.0.metric: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


PARTS = """\
sampler: {name: "./parts.py:Tree", startup: 2}
constraints: [{metric: "./parts.py:halves", at_least: 0.1}]
"""


def test_a_finished_study_is_shown_as_it_ended_without_its_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(FILE, tmp_path / "parts.py")
    path, out = written(tmp_path, "./parts.py:halves"), tmp_path / "out"
    text = path.read_text().replace("sampler: {name: random, seed: 0}\n", PARTS).replace("top: 1", "top: 2")
    path.write_text(text, encoding="utf-8")
    finished(path, out)
    # As the driver does, which has the code.
    file = load_study(str(path))
    write_outputs(open_study(file, out), Plan(file, out), {})
    assert hpo.load_results(out).objectives == ("parts.py:halves",)
    kept = (out / "results.csv").read_bytes(), (out / "best" / "confirmation.json").read_bytes()
    (tmp_path / "parts.py").write_text("raise SystemExit('this code is not to be run')\n")
    for name in [one for one in sys.modules if one.endswith(".parts")]:
        del sys.modules[name]
    named_kinds._made.cache_clear()
    assert hpo.status.main([str(out)]) == DONE
    assert hpo.report.main([str(out)]) == DONE
    assert hpo.load_results(out).confirmed is not None
    told = capsys.readouterr()
    assert "damaged" not in told.out + told.err
    assert ((out / "results.csv").read_bytes(), (out / "best" / "confirmation.json").read_bytes()) == kept
    assert "parts.py:halves at least 0.1" in (out / "report.html").read_text(encoding="utf-8")
