"""What a conclusion says by domain, and of photographed and rendered domains apart."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from study_samples import DOMAINS, random_areas, report, results

from hpo.reporting.conclusion import Conclusion, conclusion
from hpo.results.confirmation import Bootstrap, Candidate, Confirmation, SeedRun, confirm
from segada.metrics import Areas, mean_iou

BASE = random_areas(np.random.default_rng(0), 0.6)


def moved(more: int) -> Areas:
    areas = BASE.copy()
    areas[:, 0] += more
    return areas


def candidate(name: str, trial: int | None, more: Mapping[str, int]) -> Candidate:
    """Runs with so many pixels more than the source model right, of 100 of each class, by domain."""
    areas = tuple(moved(more.get(domain, 0)) for domain in DOMAINS)
    runs = []
    for seed in (1, 2):
        visits = [
            visit.model_copy(update={"miou": {visit.domain: mean_iou(one.sum(axis=0))}})
            for visit, one in zip(report(0.0).visits, areas, strict=True)
        ]
        runs.append(SeedRun(report(0.0, seed=seed).model_copy(update={"visits": visits}), areas))
    return Candidate(name, trial, tuple(runs))


def confirmed(
    best: Mapping[str, int], norm: Mapping[str, int] | None = None, rendered: Sequence[str] = ()
) -> Confirmation:
    baselines = [candidate("source_only", None, {}), candidate("batch_norm", None, norm or {})]
    return confirm([candidate("trial 1", 1, best)], baselines, {}, Bootstrap(replicates=200), None, rendered)


def concluded(
    best: Mapping[str, int], norm: Mapping[str, int] | None = None, rendered: Sequence[str] = ()
) -> Conclusion:
    return conclusion(replace(results(confirmed(best, norm, rendered)), rendered=tuple(rendered)))


def test_domains_are_named_by_whether_they_gain_lose_or_cannot_be_told() -> None:
    detail = concluded({"clear": -4, "200mm": 9}).detail
    over = "By domain, over the untouched source model, it"
    assert f"{over} gains in 200mm, loses in clear and is too close to tell in 50mm." in detail
    assert f"{over} gains in clear, 50mm and 200mm." in concluded(dict.fromkeys(DOMAINS, 5)).detail


def test_what_only_rendered_domains_gain_is_not_called_a_gain() -> None:
    found = concluded({"200mm": 20}, rendered=("200mm",))
    assert found.headline == (
        "Adaptation helps in rendered domains alone (200mm). In photographed domains (clear and 50mm) the best "
        "configuration cannot be distinguished from the untouched source model and batch-norm re-estimation. Use the "
        "source model as it is there."
    )
    assert concluded({"200mm": 20}).headline.startswith("Adaptation helps: ")
    assert concluded(dict.fromkeys(DOMAINS, 5), rendered=("200mm",)).headline.startswith("Adaptation helps: ")


def test_the_gain_of_each_kind_is_the_mean_over_its_visits() -> None:
    found = confirmed({"clear": 3, "50mm": 5, "200mm": 20}, rendered=("200mm",))
    best = found.runs[-1]
    by_visit = best.miou_gain["source_only"]
    photographed = np.mean([by_visit[label].value for label in ("clear", "50mm")])
    assert best.gain_by_kind["photographed"]["source_only"].value == pytest.approx(photographed)
    assert best.gain_by_kind["rendered"]["source_only"] == by_visit["200mm"]
    detail = conclusion(replace(results(found), rendered=("200mm",))).detail
    assert f"In photographed domains it has {100 * photographed:+.1f} (" in detail
    assert "points over the untouched source model; it gains in clear and 50mm. In rendered domains it has" in detail


def test_domains_of_one_kind_are_not_divided() -> None:
    for rendered in ((), DOMAINS):
        assert confirmed({"clear": 3}, rendered=rendered).runs[-1].gain_by_kind == {}


NORM_ALONE = "Use batch-norm re-estimation, which learns nothing."
AS_IT_IS = "Use the source model as it is."


@pytest.mark.parametrize(
    ("best", "norm", "advice"),
    [(0, 0, AS_IT_IS), (-5, -5, AS_IT_IS), (5, 5, NORM_ALONE), (5, 9, NORM_ALONE), (-5, 9, NORM_ALONE), (9, 5, "")],
)
def test_what_is_not_better_is_not_advised(best: int, norm: int, advice: str) -> None:
    headline = concluded(dict.fromkeys(DOMAINS, best), dict.fromkeys(DOMAINS, norm)).headline
    assert headline.endswith(advice)
    assert ("Use " in headline) == bool(advice)
