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
from hpo.results.source_model import SourceModel


@pytest.mark.parametrize(
    ("gain", "said"),
    [(0.1, "Adaptation helps"), (0.0, "Adaptation is not shown to help"), (-0.1, "Adaptation does not help")],
)
def test_the_headline_says_plainly_whether_it_helps(gain, said):
    assert conclusion(results(confirmation(gain))).headline.startswith(said)


def with_gain(confirmed, name, low, high):
    """Returns the confirmation with this interval of the best configuration's gain over another one."""
    best = confirmed.runs[-1]
    gain = best.gain[name].model_copy(update={"value": (low + high) / 2, "low": low, "high": high})
    best = best.model_copy(update={"gain": {**best.gain, name: gain}})
    return confirmed.model_copy(update={"runs": [*confirmed.runs[:-1], best]})


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.01, 0.02, "batch-norm re-estimation, and the default configuration."),
        (-0.01, 0.02, "but cannot be distinguished from the default configuration."),
        (-0.02, -0.01, "but is worse than the default configuration."),
    ],
)
def test_the_headline_says_whether_the_search_found_more_than_the_default(low, high, said):
    headline = conclusion(results(with_gain(confirmation(0.1), "default", low, high))).headline

    assert headline.startswith(
        "Adaptation helps: the best configuration beats the untouched source model and batch-norm"
    )
    assert headline.endswith(said)


@pytest.mark.parametrize(("miou", "answered"), [(0.068, False), (0.2499, False), (0.25, True), (0.6, True)])
def test_a_source_model_that_does_not_work_on_its_own_domain_gives_no_answer(miou, answered):
    found = replace(results(confirmation(0.1)), source=SourceModel(domain="my town", miou=miou, least=0.25))
    answer = conclusion(found)

    assert answer.headline.startswith("Adaptation helps") == answered
    assert ("Train a source model" in answer.detail) != answered
    if not answered:
        assert answer.headline.startswith("No answer. The source model does not work on its own domain: ")
        assert "in my town, below 25.0 % (confirm.source_at_least)" in answer.headline
    assert answer.headline in " ".join(summary(found).split())


def test_without_a_score_of_the_source_domain_the_conclusion_says_that_it_does_not_know():
    known = replace(results(confirmation(0.1)), source=SourceModel(domain="clear", miou=0.6, least=0.25))

    assert "is not known: no run is scored there." in conclusion(replace(known, source=None)).detail
    assert "is not known" not in conclusion(known).detail


def test_before_the_confirmation_a_source_model_that_does_not_work_is_named_too():
    found = replace(results(None), source=SourceModel(domain="clear", miou=0.01, least=0.25))

    assert "The source model does not work on its own domain: 1.0 % mIoU in clear" in conclusion(found).detail


def two_objectives() -> StudyResults:
    """Returns a study with three complete trials, of which the first two are on the Pareto front."""
    found = results(confirmation(0.1))
    values = ((0.5, 10.0), (0.46, 40.0), (0.45, 9.0))
    one = found.trials[1]
    trials = tuple(replace(one, number=number, values=pair) for number, pair in enumerate(values))
    runs = [
        run.model_copy(update={"objectives": {"mean_miou": 0.42, "frames_per_second": 37.5}})
        for run in found.confirmed.runs
    ]
    confirmed = found.confirmed.model_copy(update={"runs": runs})
    return replace(
        found,
        objectives=("mean_miou", "frames_per_second"),
        maximized=(True, True),
        trials=trials,
        front=(0, 1),
        confirmed=confirmed,
    )


def test_a_pareto_front_is_drawn_and_every_trial_on_it_has_all_objectives():
    html = page(two_objectives())
    front = html.split("<h2>Trade-offs</h2>")[1].split("<h2>")[0]

    assert front.count("<tr") == 1 + 2
    for shown in ("frames per second", "frames per second, confirmed", ">37.5<", ">42.0<", "Pareto front"):
        assert shown in front
    # Each objective has a history of its own.
    assert html.split("<h2>The search</h2>")[1].split("<h2>")[0].count("best so far") == 2
    assert "Trials on the Pareto front: 2; confirmed: 1." in conclusion(two_objectives()).detail
    assert "37.5" in summary(two_objectives())
    assert "Trade-offs" not in page(results(confirmation(0.1)))


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

    for shown in (
        "Adaptation helps",
        "trial 1",
        "batch norm",
        "200mm",
        "4 of 4 trials over (2 complete, 1 pruned, 1 failed)",
    ):
        assert shown in html
    # What people write is text, never markup.
    assert "a&lt;rain" in html
    assert "a<rain" not in html
    assert "the loss &lt;mix&gt; is nan" in html


def test_files_that_runs_leave_out_are_counted():
    whole = results(confirmation(0.1))
    left_out = {"<night>": {"pictures that match no pattern": 3, "labels without image": 1}}
    baseline = whole.baselines["source_only"].model_copy(update={"files_left_out": left_out})

    said = "<li>&lt;night&gt;: pictures that match no pattern: 3, labels without image: 1</li>"
    assert said in page(replace(whole, baselines={"source_only": baseline}))
    assert "Files left out" not in page(whole)


def test_a_study_that_has_only_begun_has_a_report_too():
    begun = results(None)
    empty = replace(begun, trials=(), baselines={}, best=None)

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
    answer = conclusion(replace(found, trials=failed, best=None))

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

    assert "search: 4 of 4 trials over (2 complete, 1 pruned, 1 failed), mean mIoU 46.0 to 50.0" in printed
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
