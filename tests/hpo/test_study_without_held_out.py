"""A study that evaluates no held-out frame: it is judged by its online scores, and says what is not known."""

import csv
import math
from pathlib import Path

import pytest
from costless_runs import CostlessRuns, put_in
from study_texts import study_text

import hpo
from hpo.run import main
from hpo.study.jobs import Job
from segada.cli.exit_codes import DONE
from segada.records import RunReport

FRAMES = 12


def without_held_out(whole: RunReport, job: Job) -> RunReport:
    """The report as the engine makes it with `evaluation.domains: []`; scores fall with the threshold."""
    threshold = float(str(job.parameters.get("method.pseudo_threshold", 0.4)))
    visits = [
        visit.model_copy(
            update={"miou": {}, "online_miou": 0.8 - threshold / 2, "adaptation_speed": 0.7 - threshold / 2}
        )
        for visit in whole.visits
    ]
    nothing = dict.fromkeys(("mean_miou", "source_only_mean_miou", "gain", "forgetting"), math.nan)
    return whole.model_copy(update={"visits": visits, "source_only": {}, **nothing})


def test_it_ends_with_its_objective_and_names_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, file = tmp_path / "out", tmp_path / "tiny.yaml"
    objective = "objectives: [{metric: adaptation_speed, goal: maximize}]"
    text = study_text("budget: {trials: 4}", "confirm: {top: 1, seeds: 2}", "pruning: null", objective)
    assert "{split: val}" in text
    file.write_text(text.replace("{split: val}", "{split: val, domains: []}"))
    put_in(monkeypatch, CostlessRuns(change=without_held_out))
    code = main(["--space", str(file), "--out", str(out)])
    printed = " ".join(capsys.readouterr().out.split())

    assert code == DONE
    assert "Whether adaptation helps is not known: no held-out frame is scored" in printed
    assert "adapted to, not scored, because run.evaluation.domains is []" in printed
    assert "labelled pixel" not in printed
    results = hpo.load_results(out)
    assert not results.holds_out
    assert results.best is not None
    rows = list(csv.DictReader((out / "results.csv").read_text().splitlines()))
    values = [float(row["adaptation_speed"]) for row in rows]
    assert values[results.best.number] == max(values)
    page = (out / "report.html").read_text()
    assert "no held-out frame is scored" in page
    assert ">nan" not in page
