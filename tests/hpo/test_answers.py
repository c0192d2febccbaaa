"""Tests of what a finished study answers: exit code, constraints, and the same numbers and words in every view."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from costless_runs import CostlessRuns, put_in, threshold_gain
from study_samples import report
from study_texts import study_text

import hpo
import hpo.status
from hpo.config.study_file import load_study
from hpo.run import main
from hpo.study.jobs import Job
from segada.cli.exit_codes import DONE, INTERRUPTED, NO_ANSWER

NOBODY = "constraints: [{metric: mean_miou, at_least: 2.0}]"
# Trials have thresholds of 0.5 to 0.9, and gain a hundredth of it: this limit is between their results.
SOME = f"constraints: [{{metric: mean_miou, at_most: {report(0.0075).mean_miou}}}]"


class Study:
    """A study that is run by the command, again and again."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.out = folder / "out"
        self.file = folder / "tiny.yaml"
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def write(self, *lines: str, confirm: str = "{top: 1, seeds: 2}", trials: int = 3) -> None:
        self.file.write_text(study_text(f"budget: {{trials: {trials}}}", f"confirm: {confirm}", *lines))

    def run(self, runs: CostlessRuns, *options: str) -> int:
        put_in(self._monkeypatch, runs)
        code = main(["--space", str(self.file), "--out", str(self.out), *options])
        said = self._capsys.readouterr()
        self.printed, self.errors = " ".join(said.out.split()), said.err
        return code

    def search(self, runs: CostlessRuns) -> hpo.StudyResults:
        put_in(self._monkeypatch, runs)
        return hpo.search(load_study(self.file), self.out)

    def status(self) -> dict:
        assert hpo.status.main([str(self.out), "--json"]) == DONE
        return json.loads(self._capsys.readouterr().out)

    def status_lines(self) -> list[str]:
        assert hpo.status.main([str(self.out)]) == DONE
        return self._capsys.readouterr().out.splitlines()

    @property
    def page(self) -> str:
        return (self.out / "report.html").read_text()

    @property
    def rows(self) -> list[dict[str, str]]:
        with (self.out / "results.csv").open(newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def study(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Study:
    return Study(tmp_path, capsys, monkeypatch)


def fails(part: str) -> Callable[[Job], float | str]:
    """Outcome of runs of which those with this part in their name fail."""
    return lambda job: "the loss is nan" if part in job.name else 0.01


def test_nobody_leads_where_no_trial_keeps_the_constraints(study: Study) -> None:
    study.write(NOBODY)
    assert study.run(CostlessRuns()) == NO_ANSWER

    assert study.errors == "no answer: no trial keeps every constraint (exit code 4)\n"
    for shown in (study.printed, study.page):
        assert "No answer: no trial keeps every constraint." in shown
        assert "falls short of mean_miou 2 by 1.5" in shown
        assert " leads the search" not in shown
    assert "Complete trials that break a constraint: 3" in study.printed
    assert not (study.out / "best").exists()
    for row in study.rows:
        assert row["feasible"] == "False"
        assert row["constraint/mean_miou at least 2.0"] == row["mean_miou"]
        assert float(row["violation/mean_miou at least 2.0"]) == pytest.approx(2 - float(row["mean_miou"]))
    told = study.status()
    assert (told["state"], told["exit_code"], told["best_trial"], told["confirmed_best"]) == ("finished", 4, None, None)
    (broken,) = told["infeasible"]["trial 0"]
    assert (broken["constraint"], broken["limit"]) == ("mean_miou at least 2.0", 2.0)
    assert broken["value"] + broken["by"] == pytest.approx(2.0)
    assert "finished: No answer: no trial keeps every constraint." in study.status_lines()


def test_what_is_passed_over_for_a_constraint_says_why(study: Study) -> None:
    study.write(SOME, trials=6)
    assert study.run(CostlessRuns()) == DONE

    kept = [row for row in study.rows if row["feasible"] == "True"]
    broken = sorted((row for row in study.rows if row["feasible"] == "False"), key=lambda row: -float(row["mean_miou"]))
    assert kept
    assert broken
    best = max(kept, key=lambda row: float(row["mean_miou"]))
    assert study.status()["confirmed_best"]["trial"] == int(best["number"])
    for row in broken[:3]:
        why = f"Trial {row['number']} has mean mIoU {100 * float(row['mean_miou']):.1f} % but exceeds mean_miou "
        assert why in study.printed
        assert why in study.page
    assert {
        row["violation/" + column.removeprefix("constraint/")]
        for row in kept
        for column in row
        if "constraint/" in column
    } == {"0.0"}


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("trial", "every trial failed (3 of 3)"),
        (" seed ", "no configuration is confirmed, and runs failed"),
        ("trial 0 seed ", "every configuration failed under a fresh seed"),
        ("source_only seed", None),
        ("default seed", None),
    ],
)
def test_a_study_that_ran_without_an_answer_has_a_code_of_its_own_each_time(
    study: Study, part: str, said: str | None
) -> None:
    study.write()
    for _ in range(2):
        code = study.run(CostlessRuns(fails(part)))
        assert code == (DONE if said is None else NO_ANSWER)
        assert study.errors == ("" if said is None else f"no answer: {said} (exit code 4)\n")
        assert (f"No answer: {said}." in study.printed) == (said is not None)
        assert study.status()["exit_code"] == code


def test_without_any_confirmed_baseline_there_is_no_answer(study: Study) -> None:
    study.write()
    runs = CostlessRuns(lambda job: "killed" if job.name.startswith(("source_only seed", "batch_norm seed")) else 0.01)
    assert study.run(runs) == NO_ANSWER
    assert "no baseline was confirmed" in study.errors


def test_without_confirmation_the_best_trial_is_the_answer(study: Study) -> None:
    study.write(confirm="{top: 0}")
    assert study.run(CostlessRuns()) == DONE
    best = max(study.rows, key=lambda row: float(row["mean_miou"]))["number"]
    assert f"Trial {best} leads the search; nothing is confirmed (confirm.top is 0)." in study.printed


def test_from_python_the_results_say_why_there_is_no_answer(study: Study) -> None:
    study.write(NOBODY)
    found = study.search(CostlessRuns())
    assert found.best is None
    assert found.no_answer == "no trial keeps every constraint"
    assert [trial.is_feasible for trial in found.trials] == [False] * 3
    assert hpo.load_results(study.out).no_answer == found.no_answer


def test_an_interrupted_study_has_no_code_for_its_answer(study: Study) -> None:
    study.write(NOBODY)
    assert study.run(CostlessRuns(stops_after=3)) == INTERRUPTED
    told = study.status()
    assert (told["state"], told["exit_code"], told["conclusion"]) == ("interrupted", None, None)
    assert told["next_steps"] == [f"to go on: python -m hpo.run --space {study.out}/study.yaml --out {study.out}"]
    assert main(told["next_steps"][0].split()[6:]) == INTERRUPTED
    put = CostlessRuns()
    assert study.run(put) == NO_ANSWER
    assert study.run(CostlessRuns()) == NO_ANSWER


def test_the_status_of_a_finished_study_has_figure_spread_and_conclusion(study: Study) -> None:
    study.write()
    assert study.run(CostlessRuns()) == DONE

    told, lines = study.status(), study.status_lines()
    best = told["confirmed_best"]
    assert (told["state"], told["exit_code"], told["next_steps"]) == ("finished", 0, [])
    assert best["mean_miou"]["low"] <= best["mean_miou"]["high"]
    assert best["seed_deviation"] is not None
    assert len(best["seeds"]) == 2
    assert told["conclusion"] in study.printed
    assert f"finished: {told['conclusion']}" in lines
    (confirmed,) = (line for line in lines if line.startswith("confirmed: trial "))
    assert "% mIoU (" in confirmed
    assert confirmed.endswith("; 2 fresh seeds, standard deviation 0.0 points)")
    assert not any(line.startswith("best so far") for line in lines)


def test_a_longer_search_counts_the_confirmation_runs_of_its_own_best_alone(study: Study) -> None:
    study.write(confirm="{top: 1, seeds: 1}", trials=2)
    assert study.run(CostlessRuns()) == DONE
    # The later trials are better, so that trials of the first search are confirmed for nothing.
    better = CostlessRuns(lambda job: 0.05 + (job.trial or 0) / 100)
    assert study.run(better, "--trials", "4") == DONE
    told = study.status()
    assert (told["confirmed"], told["to_confirm"]) == (4, 4)
    assert "confirmation: 4 of 4 runs done" in study.status_lines()


def test_fewer_trials_than_there_are_become_the_budget(study: Study) -> None:
    study.write(trials=5)
    assert study.run(CostlessRuns()) == DONE
    assert study.run(CostlessRuns(), "--trials", "3") == DONE

    assert "budget.trials is 3, but 5 trials have started: these are the budget, and none is added" in study.printed
    line = "5 of 5 trials over (5 complete, 0 pruned, 0 failed)"
    assert line in study.printed
    assert line in study.page
    assert f"search: {line}" in study.status_lines()
    assert load_study(study.out / "study.yaml", runs=False).settings.budget.trials == 5


def test_start_points_that_wait_are_counted_and_how_they_run_is_said(study: Study) -> None:
    points = ", ".join(f"{{method.pseudo_threshold: {value}}}" for value in (0.6, 0.7, 0.8))
    study.write(f"start_from: [{points}]", trials=2)
    assert study.run(CostlessRuns(stops_after=3)) == INTERRUPTED
    assert "1 of 2 trials over (1 complete, 0 pruned, 0 failed), 1 running" in study.printed
    assert study.run(CostlessRuns()) == DONE
    line = "search: 2 of 2 trials over (2 complete, 0 pruned, 0 failed)"
    cure = "1 enqueued trial waits beyond the budget; --trials 3 runs it"
    assert line in study.printed
    assert cure in study.printed
    told = study.status()
    assert (told["trials_beyond"], told["trials_to_start"]) == (1, 0)
    assert [step.startswith(cure) for step in told["next_steps"]] == [True]
    assert study.run(CostlessRuns(), "--trials", "3") == DONE
    assert "search: 3 of 3 trials over (3 complete, 0 pruned, 0 failed)" in study.status_lines()


def test_what_breaks_a_constraint_with_fresh_seeds_is_not_preferred_and_is_said(study: Study) -> None:
    limit = report(0.02).mean_miou
    study.write(f"constraints: [{{metric: mean_miou, at_most: {limit}}}]", confirm="{top: 2, seeds: 2}")
    # Trial 1 is the best of the search; with fresh seeds it exceeds the limit, which trial 0 keeps.
    gains = {"trial 0": 0.010, "trial 1": 0.015, "trial 2": 0.001}
    fresh = {"trial 0": 0.010, "trial 1": 0.050}
    runs = CostlessRuns(
        lambda job: (fresh if " seed " in job.name else gains).get(job.name.partition(" seed ")[0], 0.0)
    )
    assert study.run(runs) == DONE
    confirmed = json.loads((study.out / "best" / "confirmation.json").read_text())
    assert (confirmed["best"], confirmed["by_mean"]) == ("trial 0", "trial 0")
    (broken,) = (run["violations"] for run in confirmed["runs"] if run["name"] == "trial 1")
    assert broken == {f"mean_miou at most {limit}": pytest.approx(0.03)}

    study.write(f"constraints: [{{metric: mean_miou, at_most: {limit}}}]", confirm="{top: 1, seeds: 2}")
    assert study.run(CostlessRuns(runs.outcome)) == DONE
    assert f"On these frames trial 1 breaks mean_miou at most {limit} by 0.03" in study.printed


def test_the_default_configuration_does_not_come_first_if_it_breaks_a_constraint(study: Study) -> None:
    study.write(SOME, "start_from: [defaults, {method.pseudo_threshold: 0.6}]", trials=2)
    study.file.write_text(study.file.read_text().replace("high: 0.9}", "high: 0.9, default: 0.9}"))
    # In the search the default exceeds the limit; with fresh seeds it is better than trial 1, and keeps it.
    assert study.run(CostlessRuns(lambda job: 0.007 if job.name.startswith("default") else threshold_gain(job))) == DONE
    confirmed = json.loads((study.out / "best" / "confirmation.json").read_text())
    assert (confirmed["best"], confirmed["by_mean"]) == ("trial 1", "trial 1")


@pytest.mark.parametrize("confirm", ["{top: 1, source_at_least: 0.6}", "{top: 0, source_at_least: 0.6}"])
def test_a_source_model_that_does_not_work_is_no_answer(study: Study, confirm: str) -> None:
    study.write(confirm=confirm)
    for _ in range(2):
        assert study.run(CostlessRuns()) == NO_ANSWER
        assert study.errors == "no answer: the source model does not work on its own domain (exit code 4)\n"
        assert "No answer" in study.printed
        assert study.status()["exit_code"] == NO_ANSWER


def test_hours_that_are_over_are_said_alike_and_more_of_them_go_on(study: Study) -> None:
    study.write(confirm="{top: 0}")
    for _ in range(2):
        assert study.run(CostlessRuns(), "--set", "budget.hours=1e-9") == NO_ANSWER
        assert study.errors == "no answer: no trial has completed (exit code 4)\n"
        line = "0 of 3 trials over (0 complete, 0 pruned, 0 failed), none to start: budget.hours are over"
        cure = "budget.hours are over before the last 3 trials; --set budget.hours=N, with another number, goes on"
        for said in (line, cure):
            assert said in study.printed
        told = study.status()
        assert (told["state"], told["ended_by"], told["trials_to_start"]) == ("finished", "hours", 0)
        assert [step.startswith(cure) for step in told["next_steps"]] == [True]
        assert f"search: {line}" in study.status_lines()
    assert study.run(CostlessRuns(), "--set", "budget.hours=9") == DONE
    assert "search: 3 of 3 trials over (3 complete, 0 pruned, 0 failed)" in study.status_lines()


def test_with_several_objectives_a_front_of_what_keeps_the_constraints_alone_is_confirmed(study: Study) -> None:
    objectives = "[{metric: mean_miou, goal: maximize}, {metric: trainable_parameters, goal: minimize}]"
    study.write(SOME, f"objectives: {objectives}", trials=6)
    assert study.run(CostlessRuns()) == DONE
    best = study.status()["confirmed_best"]["trial"]
    assert study.rows[best]["feasible"] == "True"
    assert study.status()["best_trial"] == best
    assert " but exceeds mean_miou " in study.printed


def test_a_metric_that_no_trial_defines_keeps_no_limit(study: Study) -> None:
    study.write("constraints: [{metric: peak_memory, at_most: 900}]")
    assert study.run(CostlessRuns()) == NO_ANSWER
    assert "but does not define peak_memory, which must be at most 900." in study.printed
    (broken,) = study.status()["infeasible"]["trial 0"]
    assert (broken["value"], broken["by"]) == (None, None)
    assert {row["violation/peak_memory at most 900.0"] for row in study.rows} == {"inf"}


def test_an_exhausted_study_names_no_command_that_would_end_at_once(study: Study) -> None:
    study.write(confirm="{top: 0}", trials=5)
    study.file.write_text(study.file.read_text().replace("{name: random, seed: 0}", "{name: grid, levels: 2}"))
    assert study.run(CostlessRuns(threshold_gain)) == DONE
    told = study.status()
    assert (told["state"], told["ended_by"]) == ("finished", "space")
    assert [step.endswith("another study, which can take these results over") for step in told["next_steps"]] == [True]
