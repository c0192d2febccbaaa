"""Tests of the report and results.csv."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from study_samples import confirmation, results

from hpo.monitoring.summary import print_summary
from hpo.reporting.conclusion import conclusion
from hpo.reporting.page import page, write_report
from hpo.reporting.tables import per_domain
from hpo.results.results import StudyResults, write_csv


@pytest.mark.parametrize(
    ("gain", "said"),
    [(0.1, "Adaptation helps"), (0.0, "Adaptation is not shown to help"), (-0.1, "Adaptation does not help")],
)
def test_the_headline_says_plainly_whether_it_helps(gain, said):
    assert conclusion(results(confirmation(gain))).headline.startswith(said)


def test_an_unconfirmed_score_is_never_called_a_result():
    answer = conclusion(results(None))

    assert answer.headline == "No answer yet: no configuration is confirmed."
    assert "not a final result" in answer.detail


def test_the_report_is_one_file_that_asks_nobody_for_anything(tmp_path):
    write_report(results(confirmation(0.1)), tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text()

    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", html)
    assert html.count("plotly.js v") == 1


def test_the_report_shows_what_was_found():
    html = page(results(confirmation(0.1)))

    for shown in ("Adaptation helps", "trial 1", "batch norm", "200mm", "2 complete, 1 pruned, 1 failed"):
        assert shown in html
    # What people write is text, never markup.
    assert "a&lt;rain" in html
    assert "a<rain" not in html
    assert "the loss &lt;mix&gt; is nan" in html


def test_a_study_that_has_only_begun_has_a_report_too():
    begun = results(None)
    empty = replace(begun, trials=(), baselines={})

    assert "No answer yet: no trial has completed." in page(empty)


def test_results_csv_has_a_row_per_trial(tmp_path):
    write_csv(results(None), tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert [row["state"] for row in rows] == ["complete", "complete", "pruned", "fail"]
    assert float(rows[1]["mean_miou"]) == 0.5
    assert float(rows[1]["gain"]) == 0.04
    assert rows[2]["mean_miou"] == rows[2]["miou/50mm"] == ""
    assert float(rows[2]["miou/clear"]) == pytest.approx(0.39)
    assert rows[3]["adapter.stages"] == "0 1"
    assert rows[3]["reason"] == "the loss <mix> is nan"
    assert list(rows[0]) == [
        *("number", "state", "mean_miou", "adapter.stages", "method.pseudo_threshold"),
        *("miou/clear", "miou/50mm", "miou/200mm", "gain", "seconds", "reason", "incidents", "origin"),
    ]


def test_the_verdict_names_the_hardest_domain_and_the_confidence_that_was_asked_for():
    confirmed = confirmation(0.1).model_copy(update={"confidence": 0.9})
    runs = [
        run.model_copy(update={"miou": {**run.miou, "50mm": run.miou["50mm"].model_copy(update={"value": 0.1})}})
        for run in confirmed.runs
    ]

    detail = conclusion(results(confirmed.model_copy(update={"runs": runs}))).detail

    assert "In 50mm, the hardest domain, it reaches 10.0 % mIoU" in detail
    assert "90 % bootstrap intervals" in detail


def test_what_is_gained_over_the_default_is_said_and_does_not_decide_whether_adapting_helps():
    better = confirmation(0.1)
    same = better.runs[-1].model_copy(
        update={"gain": {**better.runs[-1].gain, "default": better.runs[0].gain["default"]}}
    )
    confirmed = better.model_copy(update={"runs": [*better.runs[:-1], same]})

    answer = conclusion(results(confirmed))

    assert answer.headline.startswith("Adaptation helps")
    assert "default" not in answer.headline
    assert "and +0.0 (0.0 to 0.0) points over the default configuration." in answer.detail
    assert re.search(r"source model, [^,]+ points over batch-norm re-estimation and \+0\.0", answer.detail)
    for shown in ("points over default", "over default"):
        assert shown in page(results(confirmed))
    assert "points over default" in " ".join(summary(results(confirmed)).split())


def test_what_leads_on_the_reported_frames_is_named_and_not_chosen():
    confirmed = confirmation(-0.1).model_copy(update={"by_mean": "default"})

    assert "By the mean on these frames default is better" in conclusion(results(confirmed)).detail
    assert "By the mean" not in conclusion(results(confirmation(0.1))).detail


def test_nothing_is_said_to_be_beaten_without_a_baseline():
    whole = confirmation(0.1)
    alone = whole.runs[-1].model_copy(update={"gain": {}, "miou_gain": {}})
    confirmed = whole.model_copy(update={"runs": [alone], "failures": {"source_only": "seed 1: out of memory"}})
    found = results(confirmed, {"source_only seed 1": "out of memory"})

    assert conclusion(found).headline.startswith("No answer: no baseline was confirmed")
    assert "Not compared with the untouched source model" in conclusion(found).detail
    assert "out of memory" in page(found)
    assert "out of memory" in summary(found)


def test_when_every_trial_failed_nobody_is_told_to_run_it_again():
    found = results(None)
    failed = tuple(replace(trial, state="fail", values=(), report=None) for trial in found.trials)
    answer = conclusion(replace(found, trials=failed))

    assert answer.headline == "No answer: every trial failed (4 of 4)."
    assert "again" not in answer.detail


def test_the_search_is_colored_by_source_only_even_if_its_baseline_failed():
    found = results(None)
    with_it, without = (per_domain(replace(found, baselines=some)) for some in (found.baselines, {}))
    rows = [re.search(r"<tr[^>]*><td>trial 1</td>.*?</tr>", html)[0] for html in (with_it, without)]

    assert rows[0] == rows[1]
    assert rows[0].count('title="+4.0 points"') == 4


def test_the_summary_gives_the_figures_in_a_hundred_columns():
    printed = summary(results(confirmation(0.1)))

    assert "search: 4 trials (2 complete, 1 pruned, 1 failed), mean mIoU 46.0 to 50.0 (spread 4.0 points)" in printed
    assert "4:07 in all" in " ".join(printed.split())
    tables = printed[printed.index("Confirmed:") : printed.index("Adaptation helps")]
    assert re.search(r"\n200mm +\d\d\.\d +\d\d\.\d +\d\d\.\d +\+\d+\.\d \([\d.]+ to [\d.]+\)", tables)
    assert re.search(r"\ntrial 1 \(best\) +\d\d\.\d \([\d.]+ to [\d.]+\)", tables)
    assert tables.isascii()


def test_the_summary_names_the_next_command_as_it_can_be_typed(monkeypatch):
    found = results(confirmation(0.1))
    assert "python -m segada.adapt out/best/settings.yaml" in summary(found)
    monkeypatch.setattr("segada.cli.interruption._script", lambda: "hpo")
    assert "segada adapt 'my runs/best/settings.yaml'" in summary(found, "my runs")


def summary(found: StudyResults, out: str = "out") -> str:
    text = io.StringIO()
    print_summary(found, Path(out), Console(file=text, width=100))
    return text.getvalue()
