"""The ranking of a comparison, against scipy, against figures by hand, and on examples whose answer is known."""

import numpy as np
import pytest
from scipy.stats import friedmanchisquare, wilcoxon
from study_samples import candidate, random_areas

from hpo.comparison.ranking import (
    block_scores,
    friedman,
    groups,
    holm,
    mean_ranks,
    ranked,
    signed_rank_p,
)
from hpo.results.confirmation import SeedRun

pytestmark = pytest.mark.rounding

# Hand-made: ranks are (1, 2, 3), (1, 2, 3), (2, 1, 3), (1, 2.5, 2.5).
SCORES = np.array([[0.9, 0.8, 0.7], [0.6, 0.5, 0.4], [0.5, 0.6, 0.1], [0.9, 0.2, 0.2]])


def test_ranks_by_hand() -> None:
    assert mean_ranks(SCORES) == pytest.approx([1.25, 1.875, 2.875])


def test_friedman_by_hand_and_by_scipy() -> None:
    # Ranks (1, 2, 3), (1, 2, 3), (2, 1, 3), (1, 3, 2), sums 5, 8, 11: 12 / (4 * 3 * 4) * (25 + 64 + 121) - 3 * 4 * 4.
    untied = np.array([[3.0, 2, 1], [3, 2, 1], [2, 3, 1], [3, 1, 2]])
    statistic, p = friedman(untied)
    assert statistic == pytest.approx(4.5)
    # Of chi-squared with two degrees of freedom.
    assert p == pytest.approx(np.exp(-4.5 / 2))
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(18, 5))
    expected = friedmanchisquare(*scores.T)
    assert friedman(scores) == pytest.approx((expected.statistic, expected.pvalue))
    assert friedman(np.ones((6, 3))) == (0.0, 1.0)


def test_holm_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04, times 4, 3, 2, 1: 0.02, 0.03, 0.06 and 0.04, which may not fall below 0.06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])


def test_pairs_are_compared_as_scipy_does_and_equals_are_alike() -> None:
    generator = np.random.default_rng(1)
    one, other = generator.normal(size=(2, 12))
    assert signed_rank_p(one, other) == pytest.approx(wilcoxon(one, other).pvalue)
    assert signed_rank_p(one, one) == 1.0
    # All of six blocks speak for the first: of 64 ways to give signs, two are as extreme.
    assert signed_rank_p(np.arange(1.0, 7.0), np.zeros(6)) == pytest.approx(2 / 64)


def test_groups_are_the_longest_runs_of_neighbors() -> None:
    apart = {frozenset(pair) for pair in ("AC", "AD", "AE", "BD", "BE", "CE", "DE")}
    assert groups("ABCDE", apart) == [["A", "B"], ["B", "C"], ["C", "D"], ["E"]]
    assert groups("ABC", set()) == [["A", "B", "C"]]
    # A and C are alike, but what stands between them is not: no run holds both.
    assert groups("ABC", {frozenset("AB"), frozenset("BC")}) == [["A"], ["B"], ["C"]]


def test_who_is_better_everywhere_comes_first_and_equals_are_one_group() -> None:
    generator = np.random.default_rng(2)
    domains = generator.uniform(0.2, 0.8, 18)
    scores = {
        "worst": domains - 0.05 + generator.normal(0, 0.002, 18),
        "good": domains + generator.normal(0, 0.002, 18),
        "alike": domains + generator.normal(0, 0.002, 18),
    }
    ranking = ranked(scores)

    assert ranking.methods[2] == "worst"
    assert ranking.mean_ranks["worst"] == 3.0
    assert [set(group) for group in ranking.groups] == [{"good", "alike"}, {"worst"}]
    assert ranking.friedman_p is not None
    assert ranking.friedman_p < 0.001
    assert ranking.p_values["good"]["worst"] == ranking.p_values["worst"]["good"] < 0.001
    assert ranking.p_values["good"]["alike"] > 0.05


def test_too_few_blocks_tell_nobody_apart_and_the_ranking_says_how_many_it_takes() -> None:
    better = np.linspace(0.5, 0.9, 6)
    three = ranked({"a": better, "b": better - 0.1, "c": better - 0.2})
    # Three pairs: the strictest step asks for p of 0.05 / 3, and the least of n blocks is 2 / 2^n.
    assert (three.blocks, three.blocks_needed) == (6, 7)
    assert three.groups == [["a", "b", "c"]]
    two = ranked({"a": better, "b": better - 0.1})
    assert (two.blocks_needed, two.friedman_p) == (6, None)
    assert two.groups == [["a"], ["b"]]


def test_the_tests_hold_their_level_where_all_are_alike() -> None:
    generator = np.random.default_rng(3)
    told = [len(ranked({name: generator.normal(size=18) for name in "abcd"}).groups) > 1 for _ in range(200)]
    assert np.mean(told) <= 0.08


def test_a_block_is_a_visit_on_the_seed_s_own_frames() -> None:
    areas = random_areas(np.random.default_rng(0), 0.6, frames=5)
    runs = candidate("a", 0, areas, seeds=(1, 2)).runs
    scores = block_scores(runs)

    def plain(frames: list[int]) -> float:
        right, predicted, labelled = (areas[frames, part].sum(axis=0) for part in range(3))
        return float(np.mean(right / (predicted + labelled - right)))

    assert scores == pytest.approx([plain([0, 1, 2])] * 3 + [plain([3, 4])] * 3)


def test_a_domain_of_fewer_frames_than_seeds_has_a_block_for_each_frame() -> None:
    areas = random_areas(np.random.default_rng(0), 0.6, frames=2)
    run = candidate("a", 0, areas, seeds=(1,)).runs[0]
    assert len(block_scores([SeedRun(run.report, run.areas)] * 3)) == 2 * len(run.areas)
