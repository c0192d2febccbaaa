"""Means and deviations over seeds against numpy, and what the tables say of them."""

import csv
import io
import math

import numpy as np
import pytest

from hpo.comparison.method_statistics import MethodResult, spread, summarize
from hpo.comparison.method_tables import MethodComparison, markdown, remarks_on_results, runs_csv, summary_csv
from segada.records import RunReport, VisitRecord, visit_labels

SOURCE_ONLY = {"clear": 0.5, "rain": 0.25}
VISITS = ("clear", "rain", "clear")


def _report(seed: int, miou: tuple[float, float, float], rates: tuple[float, float, float]) -> RunReport:
    visits = [
        VisitRecord(
            visit=number,
            domain=domain,
            frames=8,
            miou={**SOURCE_ONLY, domain: miou[number]},
            iou={},
            online_miou=None,
            label_free={},
            losses={},
            seconds=1.0,
            frames_per_second=rates[number],
        )
        for number, domain in enumerate(VISITS)
    ]
    source_mean = float(np.mean([SOURCE_ONLY[domain] for domain in VISITS]))
    return RunReport(
        visits=visits,
        mean_miou=float(np.mean(miou)),
        source_only=SOURCE_ONLY,
        source_only_mean_miou=source_mean,
        gain=float(np.mean(miou)) - source_mean,
        forgetting=SOURCE_ONLY["clear"] - miou[2],
        trainable_parameters=12,
        seconds=3.0,
        settings_hash="0123456789",
        seed=seed,
    )


MIOU = np.array([[0.52, 0.30, 0.51], [0.56, 0.20, 0.49], [0.54, 0.22, 0.56]])
RATES = np.array([[10.0, 20.0, 30.0], [11.0, 21.0, 31.0], [12.0, 22.0, 90.0]])
REPORTS = {seed: _report(seed, tuple(MIOU[seed]), tuple(RATES[seed])) for seed in range(3)}
BATCH_NORM = {seed: _report(seed, (0.51, 0.26, 0.5 + 0.01 * seed), (50.0, 50.0, 50.0)) for seed in range(3)}


@pytest.fixture
def result() -> MethodResult:
    return summarize("dacs", REPORTS, BATCH_NORM, {})


def _comparison(*results: MethodResult, **more: object) -> MethodComparison:
    return MethodComparison("name", VISITS, results, {}, ["measured somehow"], **more)  # type: ignore[arg-type]


def test_numbers_are_those_of_numpy(result: MethodResult) -> None:
    assert result.seeds == (0, 1, 2)
    assert [each.mean for each in result.miou] == pytest.approx(MIOU.mean(axis=0))
    assert [each.deviation for each in result.miou] == pytest.approx(MIOU.std(axis=0, ddof=1))
    gains = MIOU - np.array([0.5, 0.25, 0.5])
    assert [each.mean for each in result.gains] == pytest.approx(gains.mean(axis=0))
    assert result.mean_miou.mean == pytest.approx(MIOU.mean())
    assert result.mean_miou.deviation == pytest.approx(MIOU.mean(axis=1).std(ddof=1))
    assert result.mean_gain.mean == pytest.approx(gains.mean())
    assert result.mean_gain.deviation == pytest.approx(gains.mean(axis=1).std(ddof=1))
    assert result.forgetting.mean == pytest.approx((0.5 - MIOU[:, 2]).mean())
    assert result.frames_per_second == np.median(RATES)
    assert result.trainable_parameters == 12


def test_online_scores_have_columns_where_all_runs_have_them(result: MethodResult) -> None:
    assert (result.online_miou, result.adaptation_speed) == (None, None)
    assert "| online |" not in markdown(_comparison(result))
    reports = {
        seed: report.model_copy(
            update={
                "visits": [
                    visit.model_copy(update={"online_miou": 0.5 + seed / 10, "adaptation_speed": 0.4 + seed / 10})
                    for visit in report.visits
                ]
            }
        )
        for seed, report in REPORTS.items()
    }
    known = summarize("dacs", reports, {}, {})
    text = markdown(_comparison(known))
    assert "| gain | online | speed | frames/s |" in text
    assert "| 60.0 ±10.0 | 50.0 ±10.0 |" in text
    (row,) = csv.DictReader(io.StringIO(summary_csv(_comparison(known))))
    assert float(row["adaptation_speed mean"]) == pytest.approx(0.5)
    assert summarize("dacs", {**reports, 3: REPORTS[0]}, {}, {}).online_miou is None


def test_the_gain_over_batch_norm_pairs_seeds(result: MethodResult) -> None:
    differences = MIOU.mean(axis=1) - np.array([np.mean([0.51, 0.26, 0.5 + 0.01 * seed]) for seed in range(3)])
    assert result.over_batch_norm is not None
    assert result.over_batch_norm.mean == pytest.approx(differences.mean())
    assert result.over_batch_norm.deviation == pytest.approx(differences.std(ddof=1))
    assert summarize("dacs", REPORTS, {}, {}).over_batch_norm is None
    assert summarize("dacs", REPORTS, {7: BATCH_NORM[0]}, {}).over_batch_norm is None


def test_one_seed_has_no_deviation_and_shows_none() -> None:
    assert math.isnan(spread([0.5]).deviation)
    alone = summarize("dacs", {0: REPORTS[0]}, {}, {})
    assert "| dacs | 52.0 | 30.0 | 51.0 | 44.3 | +2.7 | 20 |" in markdown(_comparison(alone)).splitlines()


def test_a_domain_that_returns_is_numbered() -> None:
    assert visit_labels(["clear", "rain", "clear", "rain", "clear"]) == [
        "clear",
        "rain",
        "clear#2",
        "rain#2",
        "clear#3",
    ]


def test_the_table_is_in_percent(result: MethodResult) -> None:
    lines = markdown(_comparison(result)).splitlines()
    assert "| method | clear | rain | clear#2 | mean | gain | over batch norm | frames/s |" in lines
    assert "| dacs | 54.0 ±2.0 | 24.0 ±5.3 | 52.0 ±3.6 | 43.3 ±1.5 | +1.7 ±1.5 | +0.7 ±1.5 | 21 |" in lines
    assert lines[-1] == "measured somehow"


def test_losses_against_source_only_are_said(result: MethodResult) -> None:
    worse = {seed: _report(seed, (0.51 + 0.001 * seed, 0.15, 0.5), (1.0, 1.0, 1.0)) for seed in range(2)}
    doubtful = {seed: _report(seed, (0.5, 0.24, 0.40 + 0.18 * seed), (1.0, 1.0, 1.0)) for seed in range(2)}
    said = remarks_on_results(
        _comparison(result, summarize("worse", worse, {}, {}), summarize("doubtful", doubtful, {}, {}))
    )
    narrowly = (
        "`doubtful` loses against source-only: -0.7 ±4.2 points in the mean over visits - less than the spread over "
        "seeds; it loses on rain (-1.0 ±0.0), clear#2 (-1.0 ±12.7)."
    )
    assert said == [
        "`dacs` gains in the mean over visits, but loses against source-only on rain (-1.0 ±5.3).",
        "`worse` loses against source-only: -3.0 ±0.0 points in the mean over visits; it loses on rain (-10.0 ±0.0).",
        narrowly,
    ]
    winner = {seed: _report(seed, (0.51, 0.26, 0.5), (1.0, 1.0, 1.0)) for seed in range(2)}
    assert remarks_on_results(_comparison(summarize("winner", winner, {}, {}))) == [
        "No method loses against source-only on any visit."
    ]


def test_methods_with_the_same_numbers_are_said(result: MethodResult) -> None:
    twin, one_seed = summarize("twin", REPORTS, {}, {}), summarize("one_seed", {0: REPORTS[0]}, {}, {})
    said = remarks_on_results(_comparison(result, one_seed, twin))
    assert said[-1] == "`twin` has the same mIoU as `dacs` after every visit."
    assert not any("`one_seed` has the same" in sentence for sentence in said)


def test_runs_that_did_not_finish_are_said_and_shown() -> None:
    some = summarize("some", {1: REPORTS[1]}, {}, {0: "diverged", 2: "diverged"})
    comparison = MethodComparison("name", VISITS, [some], {"none": {0: "nan here"}}, [])
    said = remarks_on_results(comparison)
    assert "`some` did not finish with seeds 0, 2, which its numbers leave out: diverged." in said
    assert "`none` did not finish with seed 0, which its numbers leave out: nan here." in said
    assert "| none | - | - | - | - | - | - |" in markdown(comparison).splitlines()


def test_files_hold_fractions_of_every_method_and_every_run(result: MethodResult) -> None:
    (row,) = csv.DictReader(io.StringIO(summary_csv(_comparison(result))))
    assert (row["method"], row["seeds"]) == ("dacs", "3")
    assert float(row["miou/clear#2 mean"]) == pytest.approx(MIOU[:, 2].mean())
    assert float(row["gain/rain deviation"]) == pytest.approx(MIOU[:, 1].std(ddof=1))
    assert float(row["gain_over_batch_norm mean"]) == pytest.approx(0.02 / 3)
    assert float(row["frames_per_second"]) == 21.0

    rows = list(csv.DictReader(io.StringIO(runs_csv([("dacs", REPORTS[0]), ("dacs", REPORTS[2])], VISITS))))
    assert [each["seed"] for each in rows] == ["0", "2"]
    assert [float(each["miou/rain"]) for each in rows] == [0.30, 0.22]
    assert float(rows[0]["source_only/rain"]) == 0.25
