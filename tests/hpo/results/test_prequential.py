"""Tests of intervals on the frames that are adapted on: formula, pairing, coverage, and what has none."""

import csv

import numpy as np
import pytest
from study_samples import candidate, confirmation, random_areas, results

from hpo.comparison.results import Comparison, Method
from hpo.comparison.tables import columns, methods_csv
from hpo.reporting.conclusion import conclusion
from hpo.reporting.online import while_adapting
from hpo.reporting.page import page
from hpo.results.confirmation import Bootstrap, Candidate, Confirmed, SeedRun, confirm
from hpo.results.prequential import online_results, speed_weights
from hpo.results.spread import Scored
from hpo.statistics.recordings import Recordings
from segada.metrics import Areas, adaptation_speed, learning_curve, mean_iou

pytestmark = pytest.mark.rounding

FIRST = 10


def streamed(name: str, areas: Areas, seeds: tuple[int, ...] = (1, 2), trial: int | None = None) -> Candidate:
    """Returns a candidate whose every visit passes over these frames, which are independent."""
    one = candidate(name, trial, areas, seeds)
    runs = []
    for run in one.runs:
        records = [
            visit.model_copy(
                update={
                    "online_miou": mean_iou(areas.sum(axis=0)),
                    "adaptation_speed": adaptation_speed(areas, FIRST),
                    "speed_frames": FIRST,
                    "pseudo_labels": {"coverage": 0.25, "accuracy": 0.875} if trial else {},
                }
            )
            for visit in run.report.visits
        ]
        report = run.report.model_copy(update={"visits": records})
        frames = Scored(areas, Recordings((1,) * len(areas)))
        runs.append(SeedRun(report, run.areas, run.recordings, (frames,) * len(records)))
    return Candidate(name, trial, tuple(runs))


def test_frames_count_in_the_speed_as_often_as_the_curve_counts_them() -> None:
    values = np.random.default_rng(0).normal(size=7)
    curve = np.cumsum(values) / np.arange(1, 8)
    assert (speed_weights(7) * values).mean() == pytest.approx(curve.mean())
    assert speed_weights(7).mean() == pytest.approx(1.0)


def test_values_are_those_of_the_reports_and_gains_are_paired() -> None:
    base = random_areas(np.random.default_rng(0), 0.6)
    better = base.copy()
    better[:, 0] += 5
    both = [streamed("source_only", base), streamed("trial 1", better)]
    found = online_results(both, ["source_only"], Bootstrap(replicates=500))
    online, speed = (found["trial 1"].metrics[name] for name in ("online_miou", "adaptation_speed"))
    assert online.mean.value == pytest.approx(mean_iou(better.sum(axis=0)))
    assert speed.mean.value == pytest.approx(adaptation_speed(better, FIRST))
    assert found["trial 1"].curve == pytest.approx(learning_curve(better).tolist())
    for metric in (online, speed):
        gain = metric.gain["source_only"]
        assert 0 < gain.low <= gain.value <= gain.high
        assert gain.high - gain.low < 0.5 * (metric.mean.high - metric.mean.low)
        assert list(metric.visits) == ["clear", "50mm", "200mm"]
    # Ten frames tell less than forty.
    assert speed.mean.high - speed.mean.low > online.mean.high - online.mean.low
    assert found["source_only"].metrics["online_miou"].gain["source_only"].value == 0.0


def test_intervals_of_the_speed_cover() -> None:
    """Frames of one class and one visit: intervals of 95 % hold the truth in 90 % or more of 200 streams."""
    generator, held = np.random.default_rng(3), 0
    labelled = np.zeros((FIRST * 2, 19), np.int64)
    labelled[:, 0] = 10_000
    for _ in range(200):
        right = labelled.copy()
        right[:, 0] = generator.normal(7000, 500, FIRST * 2).round()
        one = streamed("source_only", np.stack([right, labelled, labelled], axis=1), seeds=(1,))
        speed = online_results([one], [], Bootstrap(replicates=300))["source_only"].metrics["adaptation_speed"]
        held += speed.mean.low <= 0.7 / 1.3 <= speed.mean.high
    assert held >= 180


def test_runs_without_such_areas_have_no_such_results() -> None:
    base = random_areas(np.random.default_rng(0), 0.6)
    mixed = [streamed("source_only", base), candidate("trial 1", 1, base)]
    assert online_results(mixed, ["source_only"], Bootstrap(replicates=50)) == {}
    assert all(run.online is None for run in confirmation(0.1).runs)
    assert while_adapting(results(confirmation(0.1))) == ""


def test_the_report_plots_and_tabulates_them() -> None:
    base = random_areas(np.random.default_rng(0), 0.6)
    better = base.copy()
    better[:, 0] += 5
    names = ("source_only", "batch_norm", "default")
    confirmed = confirm(
        [streamed("trial 1", better, trial=1)], [streamed(name, base) for name in names], {}, Bootstrap(replicates=200)
    )
    found = results(confirmed)
    section = while_adapting(found)
    assert "While it adapts" in page(found)
    assert "speed, 10 frames" in section
    assert "gain over source only" in section
    assert section.count("frame of the visit") == 1
    assert "87.5<small>-, coverage 25.0</small>" in section
    assert confirmed.runs[-1].online.pseudo_labels["clear"] == {"coverage": 0.25, "accuracy": 0.875}
    assert "The search chose by the same frames" not in section
    assert "online mIoU" not in conclusion(found).detail
    assert type(confirmed).model_validate_json(confirmed.model_dump_json()) == confirmed


def test_comparisons_show_them_where_all_methods_have_them() -> None:
    base = random_areas(np.random.default_rng(0), 0.6)
    rows = confirm([streamed("a", base)], [streamed("source_only", base)], {}, Bootstrap(replicates=100)).runs

    def compared(*confirmed: Confirmed) -> Comparison:
        cost = {"trials": 3, "frames": 9, "search_seconds": 1.0, "frames_per_second": 2.0, "trainable_parameters": 5}
        methods = [Method(name=one.name, trial=0, settings={}, confirmed=one, **cost) for one in confirmed]
        facts = {"name": "x", "seeds": [1], "confidence": 0.95, "failures": {}, "notes": []}
        return Comparison(methods=methods, references=[rows[0]], ranking=None, **facts)

    heads = [column.head for column in columns(compared(rows[1]))]
    assert heads[4:6] == ["online mIoU, %", "adaptation speed, %"]
    without = rows[1].model_copy(update={"online": None})
    assert "online mIoU, %" not in [column.head for column in columns(compared(rows[1], without))]
    (row, _) = csv.DictReader(methods_csv(compared(rows[1])).splitlines())
    assert float(row["adaptation_speed"]) == pytest.approx(adaptation_speed(base, FIRST))
    assert float(row["online_miou low"]) <= float(row["online_miou"]) <= float(row["online_miou high"])
