"""Which methods can be told apart: ranks over blocks, Friedman's test, and Wilcoxon's with Holm's correction."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from scipy.stats import friedmanchisquare, rankdata, wilcoxon

from hpo.results.confirmation import SeedRun
from hpo.results.spread import resampled_miou
from segada.metrics import Floats
from segada.records import Record

LEVEL = 0.05
"""Significance level of all tests together."""


class Ranking(Record):
    """Methods in the order of their mean ranks (Demsar 2006, JMLR 7), and groups without a significant difference."""

    methods: list[str]
    """Best first."""
    mean_ranks: dict[str, float]
    """From 1, the best; methods that are equal in a block share their ranks there."""
    blocks: int
    blocks_needed: int
    """Least number of blocks with which a pair can differ significantly."""
    friedman: float | None
    """Friedman's statistic, chi-squared with as many degrees of freedom as methods less one; null for two methods."""
    friedman_p: float | None
    level: float
    p_values: dict[str, dict[str, float]]
    """P-values of Wilcoxon's two-sided signed-rank test for every pair, with Holm's correction over all pairs."""
    groups: list[list[str]]
    """Longest runs of neighbors in the order without a significant pair; every method is in at least one."""


def ranked(scores: Mapping[str, Floats]) -> Ranking:
    """Ranks methods by their scores.

    As Benavoli et al. (2016, JMLR 17) advise, pairs are compared by themselves and not by their mean ranks, which
    depend on who else takes part. No pair is told apart where Friedman's test does not reject that all are alike.

    Args:
        scores: by method, at least two: [blocks], larger is better, blocks in the same order.
    """
    names = list(scores)
    table = np.stack([scores[name] for name in names], axis=1)
    ranks = dict(zip(names, (float(rank) for rank in mean_ranks(table)), strict=True))
    order = sorted(names, key=lambda name: ranks[name])
    pairs = list(combinations(order, 2))
    adjusted = holm([signed_rank_p(scores[one], scores[other]) for one, other in pairs])
    statistic, chance = friedman(table) if len(names) > 2 else (None, None)
    differs = chance is None or chance <= LEVEL
    apart = {frozenset(pair) for pair, p in zip(pairs, adjusted, strict=True) if differs and p <= LEVEL}
    p_values: dict[str, dict[str, float]] = {name: {} for name in order}
    for (one, other), p in zip(pairs, adjusted, strict=True):
        p_values[one][other] = p_values[other][one] = p
    return Ranking(
        methods=order,
        mean_ranks=ranks,
        blocks=len(table),
        blocks_needed=math.ceil(1 + math.log2(len(pairs) / LEVEL)),
        friedman=statistic,
        friedman_p=chance,
        level=LEVEL,
        p_values=p_values,
        groups=groups(order, apart),
    )


def block_scores(runs: Sequence[SeedRun]) -> Floats:
    """The mIoU of a method in every block: [seeds x visits], seeds first.

    A block is a visited domain under one seed, scored on a share of the domain's frames that belongs to this seed
    alone: successive frames, the first share to the first seed, so that correlated frames are in one block. Were all
    seeds scored on all frames, methods that hardly depend on the seed would bring the same evidence as often as there
    are seeds.

    Args:
        runs: of the method, in the order of the seeds.
    """
    scores = []
    for place, run in enumerate(runs):
        for areas in run.areas:
            share = (np.arange(len(areas)) * len(runs) // max(len(areas), 1) == place).astype(float)
            # Where a domain has fewer frames than there are seeds, some seeds have no block of it.
            if share.any():
                scores.append(float(resampled_miou(share[np.newaxis], areas)[0]))
    return np.array(scores)


def mean_ranks(scores: Floats) -> Floats:
    """Mean rank of each method, 1 the best: scores [blocks, methods] to [methods]; equals share their ranks."""
    return np.asarray(rankdata(-scores, axis=1).mean(axis=0), dtype=np.float64)


def friedman(scores: Floats) -> tuple[float, float]:
    """Friedman's statistic and its p-value, of scores [blocks, methods] of three methods or more."""
    if not np.ptp(scores, axis=1).any():
        return 0.0, 1.0
    test = friedmanchisquare(*scores.T)
    return float(test.statistic), float(test.pvalue)


def signed_rank_p(one: Floats, other: Floats) -> float:
    """Two-sided p-value of Wilcoxon's signed-rank test on paired scores [blocks]; blocks of equals count half."""
    differences = one - other
    return float(wilcoxon(differences, zero_method="zsplit").pvalue) if differences.any() else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): p-values that may each be compared with the level of all together."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def groups(order: Sequence[str], apart: set[frozenset[str]]) -> list[list[str]]:
    """The longest runs of neighbors of which no two are told apart.

    Args:
        order: methods, best first.
        apart: pairs that are told apart.
    """
    found: list[list[str]] = []
    covered = 0
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and not any(frozenset((one, order[end])) in apart for one in order[start:end]):
            end += 1
        if end > covered:
            found.append(list(order[start:end]))
            covered = end
    return found
