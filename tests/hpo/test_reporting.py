"""The report and results.csv."""

import csv
import re

import pytest
from study_samples import confirmation, results

from hpo.reporting.page import page, write_report
from hpo.reporting.verdict import verdict
from hpo.results import write_csv


@pytest.mark.parametrize(
    ("gain", "said"),
    [(0.1, "Adapting helps"), (0.0, "Not shown to help"), (-0.1, "Adapting does not help")],
)
def test_the_headline_says_plainly_whether_it_helps(gain, said):
    assert verdict(results(confirmation(gain))).headline.startswith(said)


def test_an_unconfirmed_score_is_never_called_a_result():
    answer = verdict(results(None))

    assert answer.headline == "No answer yet: nothing is confirmed."
    assert "not a result" in answer.detail


def test_the_report_is_one_file_that_asks_nobody_for_anything(tmp_path):
    write_report(results(confirmation(0.1)), tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text()

    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", html)
    assert html.count("plotly.js v") == 1


def test_the_report_shows_what_was_found():
    html = page(results(confirmation(0.1)))

    for shown in ("Adapting helps", "trial 1", "batch norm", "200mm", "2 completed, 1 pruned, 1 failed"):
        assert shown in html
    # What people write is text, never markup.
    assert "a&lt;rain" in html
    assert "a<rain" not in html
    assert "the loss &lt;mix&gt; is nan" in html


def test_a_study_that_has_only_begun_has_a_report_too():
    begun = results(None)
    empty = type(begun)(**{**vars(begun), "trials": (), "baselines": {}})

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
        *("number", "state", "mean_miou", "adapter.stages", "method.threshold"),
        *("miou/clear", "miou/50mm", "miou/200mm", "gain", "seconds", "reason"),
    ]
