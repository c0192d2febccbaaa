"""Tests of label-free scores in a study: as objectives, as columns, and as a way to choose trials."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr
from study_samples import report, results

from hpo.config.objectives import ConstraintSettings, objective_value
from hpo.config.study_file import load_study
from hpo.reporting.page import page
from hpo.reporting.wording import metric_title
from hpo.results.correlation import kendall, spearman
from hpo.results.digest import Report, Visits
from hpo.results.label_free import chance, rankings
from hpo.results.results import StudyResults, TrialResult, write_csv
from hpo.study.plan import Plan
from segada.records import RunReport
from segada.settings import RunSettings
from segada.settings.evaluation import HIGHER_IS_BETTER

GAINS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
SCORES = {
    "entropy": (0.6, 0.4, 0.5, 0.3, 0.2, 0.1),
    "confidence": (0.9, 0.8, 0.7, 0.8, 0.5, 0.4),
    "consistency": (0.1, 0.2, 0.3, 0.9, 0.9, 0.4),
    "agreement": (0.5,) * 6,
}


def scored(gain: float, scores: Mapping[str, float]) -> RunReport:
    """A run whose visits have the scores one lower and one higher, so that the mean is what is given."""
    whole = report(gain)
    visits = [
        visit.model_copy(update={"label_free": {name: value + shift for name, value in scores.items()}})
        for visit, shift in zip(whole.visits, (-0.05, 0.0, 0.05), strict=True)
    ]
    return whole.model_copy(update={"visits": visits})


def study(gains: Sequence[float] = GAINS, scores: Mapping[str, Sequence[float]] = SCORES) -> StudyResults:
    trials = []
    for number, gain in enumerate(gains):
        run = scored(gain, {name: values[number] for name, values in scores.items()})
        trials.append(
            TrialResult(number, "complete", (run.mean_miou,), {}, Visits.of(run.visits), Report.of(run), 3.0, "")
        )
    return replace(results(None), trials=(*trials, results(None).trials[2]))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("ties", [False, True])
def test_correlations_are_scipy_s_and_so_is_their_bootstrap(seed: int, ties: bool) -> None:
    generator = np.random.default_rng(seed)
    first = generator.normal(size=14)
    second = first + generator.normal(size=14)
    if ties:
        first, second = np.round(first), np.round(second)
    for found, expected in ((spearman, spearmanr), (kendall, kendalltau)):
        estimate = found(first, second, seed=1)
        assert estimate is not None
        assert estimate.value == pytest.approx(expected(first, second).statistic)
        rows = np.random.default_rng(1).integers(14, size=(2000, 14))
        drawn = [expected(first[row], second[row]).statistic for row in rows[:300]]
        # A share of the replicates suffices to see that it is these that are drawn.
        low, high = np.quantile(drawn, (0.025, 0.975))
        assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=0.15)
        assert found(first, second, seed=1) == estimate


def test_a_kendall_of_all_replicates_is_scipy_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpo.results.correlation.REPLICATES", 60)
    first, second = np.random.default_rng(0).integers(5, size=(2, 9)).astype(float)
    rows = np.random.default_rng(4).integers(9, size=(60, 9))
    drawn = [kendalltau(first[row], second[row]).statistic for row in rows]
    estimate = kendall(first, second, seed=4)
    assert estimate is not None
    assert (estimate.low, estimate.high) == pytest.approx(tuple(np.quantile(drawn, (0.025, 0.975))))


def test_scores_are_ranked_by_what_they_are_worth() -> None:
    found = {ranking.score: ranking for ranking in rankings(study())}
    assert list(found) == ["entropy", "consistency", "confidence", "agreement"]
    for name, sign in (("entropy", -1), ("consistency", 1), ("confidence", 1)):
        values = sign * np.array(SCORES[name])
        assert found[name].spearman.value == pytest.approx(spearmanr(values, GAINS).statistic)
        assert found[name].kendall.value == pytest.approx(kendalltau(values, GAINS).statistic)
        assert found[name].spearman.low <= found[name].spearman.value <= found[name].spearman.high
    assert found["agreement"].spearman is found["agreement"].kendall is None
    # By entropy the best trial; by consistency one of two; by confidence the worst; by agreement anyone.
    regrets = {name: ranking.regret for name, ranking in found.items()}
    assert regrets == {
        "entropy": pytest.approx(0.0),
        "consistency": pytest.approx(0.15),
        "confidence": pytest.approx(0.5),
        "agreement": pytest.approx(0.25),
    }
    assert chance(study()) == pytest.approx(0.25)


def test_few_trials_say_nothing() -> None:
    few = study(GAINS[:4], {name: values[:4] for name, values in SCORES.items()})
    assert rankings(few) == []
    assert "without labels" not in page(few)
    assert "without labels" not in page(results(None))


def test_trials_that_lack_a_score_are_left_out_of_it() -> None:
    whole = study()
    bare = replace(whole.trials[0], report=Report.of(report(0.0)), visits=Visits.of(report(0.0).visits))
    assert {ranking.trials for ranking in rankings(replace(whole, trials=(*whole.trials, bare)))} == {6}


def test_the_report_has_a_row_for_every_score() -> None:
    html = page(study())
    section = html[html.index("Can trials be ranked without labels?") :]
    section = section[: section.index("</table>")]
    assert "has a regret of 25.0 points on average" in section
    row = section[section.index('<td data-value="entropy">') :]
    row = row[: row.index("</tr>")]
    assert ">lower</td>" in row
    assert ">0.94 (" in row
    assert section.count("constant") == 2


def test_results_csv_has_a_column_for_every_score(tmp_path: Path) -> None:
    found = replace(study(), objectives=("label_free/consistency",))
    write_csv(found, tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [name for name in rows[0] if name.startswith("label_free/")]
    assert sorted(columns) == sorted(f"label_free/{name}" for name in SCORES)
    assert [float(row["label_free/entropy"]) for row in rows[:6]] == pytest.approx(list(SCORES["entropy"]))
    assert rows[6]["label_free/entropy"] == ""


def test_a_score_is_an_objective_and_a_limit() -> None:
    run = scored(0.1, {"entropy": 0.4})
    assert objective_value("label_free/entropy", run) == pytest.approx(0.4)
    assert objective_value('gain - label_free["entropy"]', run) == pytest.approx(-0.3)
    assert math.isnan(objective_value("label_free/agreement", run))
    limit = ConstraintSettings(metric="label_free/entropy", at_most=0.5)
    assert limit.violation(run) == pytest.approx(-0.1)
    assert metric_title("label_free/soft_neighborhood_density") == "soft neighborhood density (no labels)"
    assert metric_title("gain / 2") == "gain / 2"


def test_baselines_are_runs_although_they_have_no_teacher(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(
        "name: tiny\n"
        "run: {evaluation: {split: val, label_free: [agreement, consistency, source_miou]}}\n"
        "space:\n  method.pseudo_threshold: {type: float, low: 0.5, high: 0.9}\n"
        "sampler: {name: random}\n"
        "objectives: [{metric: label_free/agreement, goal: maximize}]\n"
    )
    plan = Plan(load_study(str(tmp_path / "study.yaml")), tmp_path / "out")
    for job in plan.baselines():
        assert job.settings.evaluation.label_free == ("consistency", "source_miou")
        assert RunSettings.model_validate(job.settings.model_dump(mode="json")) == job.settings


def test_the_shipped_study_searches_by_a_score_and_shows_all() -> None:
    study = load_study("label_free")
    (objective,) = study.settings.objectives
    assert objective.metric.startswith("label_free/")
    assert (objective.goal == "maximize") == HIGHER_IS_BETTER[objective.metric.removeprefix("label_free/")]
    assert set(study.run_settings().evaluation.label_free) == set(HIGHER_IS_BETTER)
    assert study.settings.pruning is None
    assert study.space.parameters == load_study("ga_dacs").space.parameters
