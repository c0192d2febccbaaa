"""Tests of objectives against hand calculation, and of the trials that halving prunes."""

import math
import sys
from pathlib import Path

import optuna
import pytest

from hpo.config.objectives import (
    ACCURACY_METRICS,
    METRICS,
    ConstraintSettings,
    ObjectiveSettings,
    domain_miou,
    objective_value,
)
from hpo.config.rung_values import gain_so_far, projected_gain
from hpo.pruners.settings import HalvingSettings, build_pruner
from hpo.samplers.history import RUNG
from segada.records import RunReport, VisitRecord


def visit(
    number: int, domain: str, miou: dict[str, float], frames: int, rate: float, online: float | None = None
) -> VisitRecord:
    return VisitRecord(
        visit=number,
        domain=domain,
        frames=frames,
        miou=miou,
        iou={},
        online_miou=online,
        adaptation_speed=None if online is None else online - 0.1,
        label_free={},
        losses={},
        peak_memory=20.0 + number,
        seconds=1.0,
        frames_per_second=rate,
    )


VISITS = [
    visit(0, "clear", {"clear": 0.6, "rain": 0.2, "fog": 0.3}, 30, 10.0, 0.45),
    visit(1, "rain", {"clear": 0.5, "rain": 0.4, "fog": 0.35}, 30, 30.0, 0.3),
    visit(2, "clear", {"clear": 0.55, "rain": 0.3, "fog": 0.25}, 60, 30.0),
]
SOURCE_ONLY = {"clear": 0.5, "rain": 0.25, "fog": 0.3}
REPORT = RunReport(
    visits=VISITS,
    mean_miou=0.5,
    source_only=SOURCE_ONLY,
    source_only_mean_miou=0.4,
    gain=0.1,
    forgetting=-0.05,
    trainable_parameters=1234,
    seconds=3.0,
    settings_hash="0123456789",
    seed=0,
)

EXPECTED = {
    "mean_miou": 0.5,
    "gain": 0.1,
    "forgetting": -0.05,
    "worst_domain_miou": 0.4,
    "worst_gain": 0.05,
    "online_miou": 0.375,
    "adaptation_speed": 0.275,
    "frames_per_second": 120 / (3 + 1 + 2),
    "trainable_parameters": 1234.0,
    "peak_memory": 22.0,
    "miou/clear": 0.55,
    "miou/rain": 0.4,
    "miou/fog": 0.25,
    "gain/clear": 0.05,
    "gain/rain": 0.15,
    "gain/fog": -0.05,
}


def test_every_metric_has_an_expected_value() -> None:
    assert set(METRICS) == {metric for metric in EXPECTED if "/" not in metric}
    assert set(ACCURACY_METRICS) <= set(METRICS)


@pytest.mark.parametrize(("metric", "expected"), EXPECTED.items())
def test_metrics_by_hand(metric: str, expected: float) -> None:
    assert objective_value(metric, REPORT) == pytest.approx(expected)


def test_objectives_keep_their_order_and_what_is_not_scored_is_no_number() -> None:
    objectives = [ObjectiveSettings(metric=metric, goal="minimize") for metric in ("forgetting", "gain")]
    assert [objective_value(one.metric, REPORT) for one in objectives] == [-0.05, 0.1]
    assert math.isnan(domain_miou(REPORT, "night"))


def test_a_formula_is_optimized_as_a_metric_is() -> None:
    objective = ObjectiveSettings(metric='gain - 0.5 * miou["rain"]', goal="maximize")
    assert objective_value(objective.metric, REPORT) == pytest.approx(0.1 - 0.5 * 0.4)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("gain/2", 0.05),
        ("gain/1e-1", 1.0),
        ("gain/trainable_parameters", 0.1 / 1234),
        ("gain / miou['rain']", 0.1 / 0.4),
        ("gain['rain'] - gain", 0.05),
    ],
)
def test_a_gain_that_is_divided_is_no_gain_of_a_domain(text: str, value: float) -> None:
    assert objective_value(text, REPORT) == pytest.approx(value)


@pytest.mark.parametrize(
    ("limits", "violation"),
    [
        ({"metric": "frames_per_second", "at_least": 25}, 5.0),
        ({"metric": "frames_per_second", "at_least": 20}, 0.0),
        ({"metric": "frames_per_second", "at_most": 15}, 5.0),
        ({"metric": "gain * 100", "at_least": 8}, -2.0),
        ({"metric": "peak_memory", "at_most": 20}, 2.0),
        ({"metric": "peak_memory / 11", "at_most": 3}, -1.0),
        ({"metric": "worst_gain", "at_least": 0.06}, 0.01),
        ({"metric": "gain/rain", "at_least": 0.1}, -0.05),
        ({"metric": "gain/night", "at_least": -1}, sys.float_info.max),
        ({"metric": "miou/night", "at_least": 0}, sys.float_info.max),
    ],
)
def test_a_constraint_says_by_how_much_it_is_broken(limits: dict[str, object], violation: float) -> None:
    assert ConstraintSettings.model_validate(limits, strict=False).violation(REPORT) == pytest.approx(violation)


def test_reports_of_before_the_peak_was_measured_keep_no_limit_on_it() -> None:
    visits = [record.model_copy(update={"peak_memory": None}) for record in VISITS]
    limit = ConstraintSettings(metric="peak_memory", at_most=200.0)
    assert limit.violation(REPORT) < 0
    assert limit.violation(REPORT.model_copy(update={"visits": visits})) == sys.float_info.max


@pytest.mark.parametrize("limits", [{}, {"at_least": 1.0, "at_most": 2.0}])
def test_a_constraint_has_one_limit(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="needs one limit: at_least or at_most"):
        ConstraintSettings.model_validate({"metric": "gain", **limits})


@pytest.mark.parametrize(("count", "expected"), [(1, 0.1), (2, (0.1 + 0.15) / 2), (3, (0.1 + 0.15 + 0.05) / 3)])
def test_a_rung_is_the_mean_gain_on_the_domains_visited_so_far(count: int, expected: float) -> None:
    assert gain_so_far(VISITS[:count], SOURCE_ONLY) == pytest.approx(expected)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_outlook_adds_the_domains_ahead_as_they_are_now(count: int) -> None:
    route = [record.domain for record in VISITS]
    now = VISITS[count - 1].miou
    plain = [VISITS[place].miou[domain] if place < count else now[domain] for place, domain in enumerate(route)]
    gains = [miou - SOURCE_ONLY[domain] for miou, domain in zip(plain, route, strict=True)]
    assert projected_gain(VISITS[:count], SOURCE_ONLY, route) == pytest.approx(sum(gains) / 3)


def test_at_the_end_the_outlook_is_the_gain_and_before_it_need_not_be() -> None:
    route = [record.domain for record in VISITS]
    assert projected_gain(VISITS, SOURCE_ONLY, route) == pytest.approx(gain_so_far(VISITS, SOURCE_ONLY))
    assert projected_gain(VISITS[:1], SOURCE_ONLY, route) != pytest.approx(gain_so_far(VISITS[:1], SOURCE_ONLY))


@pytest.mark.parametrize(
    ("settings", "survivors"),
    [
        (None, [0, 1, 2, 3]),
        (HalvingSettings(min_visits=1, reduction_factor=2), [0, 1]),
        (HalvingSettings(min_visits=2, reduction_factor=2), [0, 1]),
        (HalvingSettings(min_visits=4, reduction_factor=2), [0, 1, 2, 3]),
        (HalvingSettings(min_visits=1, reduction_factor=4), [0, 1]),
        (HalvingSettings(min_visits=1, reduction_factor=2, n_startup_trials=3), [0, 1, 2]),
        (HalvingSettings(min_visits=1, reduction_factor=2, n_startup_trials=4), [0, 1, 2, 3]),
    ],
)
def test_halving_stops_what_is_not_among_the_best_at_a_rung(
    settings: HalvingSettings | None, survivors: list[int], tmp_path: Path
) -> None:
    """Trials come one after another with gains 1, 2, 1.5, 0.5: the first has nobody to lose to, the second is best."""
    study = optuna.create_study(direction="maximize", pruner=build_pruner(settings, tmp_path))
    finished = []
    for gain in (1.0, 2.0, 1.5, 0.5):
        trial = study.ask()
        stopped = False
        for visits in (1, 2, 3):
            study._storage.set_trial_system_attr(trial._trial_id, RUNG.format(visits=visits), [-gain])
            stopped = stopped or trial.should_prune()
        study.tell(trial, None if stopped else gain, state=optuna.trial.TrialState.PRUNED if stopped else None)
        if not stopped:
            finished.append(trial.number)
    assert finished == survivors
