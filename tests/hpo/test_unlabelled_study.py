"""A study whose visited domains have no labels: it ends with its objective, and claims nothing that nobody can know."""

import csv
import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest
from costless_runs import CostlessRuns, put_in
from study_samples import DOMAINS
from study_texts import study_text

import hpo
import hpo.status
from hpo.comparison.results import winner_of
from hpo.config.study_file import load_study
from hpo.run import main
from hpo.study.jobs import Job
from hpo.tracking.leaderboard import concluded
from segada.cli.exit_codes import DONE
from segada.records import RunReport

ENTROPY = "objectives: [{metric: label_free/entropy, goal: minimize}]"


def threshold(job: Job) -> float:
    return float(str(job.parameters.get("method.pseudo_threshold", 0.4)))


def without_labels(whole: RunReport, job: Job, blank: Collection[str], elsewhere: Mapping[str, float]) -> RunReport:
    """The report as the engine makes it if these domains have no labels; the entropy falls with the threshold."""
    scored = [visit.domain for visit in whole.visits if visit.domain not in blank]
    visits = [
        visit.model_copy(
            update={
                "miou": {name: value for name, value in visit.miou.items() if name in scored} | elsewhere,
                "label_free": {"entropy": 0.9 - threshold(job) / 2 + job.settings.seed / 1000},
            }
        )
        for visit in whole.visits
    ]
    source_only = {name: value for name, value in whole.source_only.items() if name in scored} | dict(elsewhere)
    nothing = {} if scored else dict.fromkeys(("mean_miou", "source_only_mean_miou", "gain", "forgetting"), math.nan)
    return whole.model_copy(update={"visits": visits, "source_only": source_only, **nothing})


class Finished:
    """A study that the command has run to its end, and what it left."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, blank: Collection[str], elsewhere: bool) -> None:
        def change(whole: RunReport, job: Job) -> RunReport:
            return without_labels(whole, job, blank, {"dusk": threshold(job) / 2} if elsewhere else {})

        self.out, self.file = folder / "out", folder / "tiny.yaml"
        self.file.write_text(study_text("budget: {trials: 6}", "confirm: {top: 2, seeds: 2}", ENTROPY))
        put_in(monkeypatch, CostlessRuns(change=change))
        self.code = main(["--space", str(self.file), "--out", str(self.out)])
        self.results = hpo.load_results(self.out)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Finished:
    return Finished(tmp_path, monkeypatch, DOMAINS, elsewhere=False)


def test_it_ends_with_its_objective_and_says_that_no_more_is_known(nowhere: Finished, capsys) -> None:
    printed = " ".join(capsys.readouterr().out.split())
    headline = "Whether adaptation helps is not known: no visited domain has labels (clear, 50mm and 200mm). By entropy"
    worth = "(no labels) alone, whose ranking power there is not measured, trial"

    assert nowhere.code == DONE
    assert nowhere.results.no_answer is None
    assert f"{headline} {worth}" in printed
    assert "no domain of this study but the source, if that, has labels" in printed
    assert "Adaptation helps" not in printed
    assert "nan" not in printed.split()
    confirmed = nowhere.results.confirmed
    assert confirmed is not None
    assert confirmed.best == f"trial {nowhere.results.best.number}"
    assert {run.mean_miou for run in confirmed.runs} == {None}
    assert [len(run.first_by_seed) for run in confirmed.runs] == [2] * len(confirmed.runs)


def test_no_view_of_it_shows_a_figure_that_is_not_known(nowhere: Finished, capsys) -> None:
    page = (nowhere.out / "report.html").read_text()
    rows = list(csv.DictReader((nowhere.out / "results.csv").read_text().splitlines()))
    capsys.readouterr()
    assert hpo.status.main([str(nowhere.out), "--json"]) == DONE
    status = json.loads(capsys.readouterr().out)
    hpo.status.main([str(nowhere.out)])
    shown = capsys.readouterr().out
    summary = concluded(nowhere.results, {}, None).summary

    assert "<h2>By objective</h2>" in page
    assert "<h2>Per domain</h2>" not in page
    assert "Can trials be judged early?" not in page
    assert ">nan" not in page
    assert {row["gain"] for row in rows} == {row["miou/clear"] for row in rows} == {""}
    assert (status["exit_code"], status["confirmed_best"]["mean_miou"]) == (DONE, None)
    assert status["confirmed_best"]["objectives"].keys() == {"label_free/entropy"}
    assert "no visited domain is scored" in shown
    assert not any(isinstance(value, float) and math.isnan(value) for value in summary.values())
    assert summary[f"confirmed/{nowhere.results.confirmed.best}/objective/label_free/entropy"] == pytest.approx(
        status["confirmed_best"]["objectives"]["label_free/entropy"]
    )


def test_its_winner_is_not_compared_by_miou(nowhere: Finished) -> None:
    assert winner_of(load_study(nowhere.file), nowhere.out) == (
        "no visited domain has labels, so that there is no mIoU to compare"
    )


def test_its_headline_has_the_ranking_power_on_a_domain_that_is_evaluated_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    assert Finished(tmp_path, monkeypatch, DOMAINS, elsewhere=True).code == DONE
    printed = " ".join(capsys.readouterr().out.split())
    assert "(no labels) alone, whose rank correlation with mIoU is 1.00 on dusk, trial" in printed
    assert "the rank correlation of entropy and mIoU on dusk, to which no run adapts, is 1.00" in printed


def test_a_stream_with_labels_in_part_is_judged_there_and_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    assert Finished(tmp_path, monkeypatch, ("50mm",), elsewhere=False).code == DONE
    printed = " ".join(capsys.readouterr().out.split())
    assert "in clear and 200mm: the best configuration" in printed
    assert "over the visits to domains with labels" in printed
    assert "Nothing is known of 50mm: adapted to, without labels." in printed
    assert "The choice rests on entropy, a score without labels, on clear, 50mm and 200mm" in printed
    assert "the rank correlation of entropy and mIoU on clear and 200mm is 1.00" in printed
