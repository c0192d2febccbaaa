"""Mapping between values of a distribution and positions in [0, 1], uniform in the distribution's scale."""

import math

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from hpo.search_space.parameter import Raw


def from_unit(distribution: BaseDistribution, unit: float) -> Raw:
    """Returns the value at a position in [0, 1]; uniform positions give every integer or choice equal probability."""
    if isinstance(distribution, CategoricalDistribution):
        count = len(distribution.choices)
        choice: Raw = distribution.choices[min(int(unit * count), count - 1)]
        return choice
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = _ends(distribution)
    position = low + unit * (high - low)
    return nearest_to(distribution, math.exp(position) if distribution.log else position)


def to_unit(distribution: FloatDistribution | IntDistribution, value: float) -> float:
    """Returns the position of a number; a grid value is in the middle of its interval."""
    low, high = _ends(distribution)
    return ((math.log(value) if distribution.log else value) - low) / (high - low)


def _ends(distribution: FloatDistribution | IntDistribution) -> tuple[float, float]:
    """Returns the ends of the range in its scale; on a grid half a step further out, so that end values get full
    intervals.
    """
    margin = 0.0 if distribution.step is None else distribution.step / 2
    low, high = distribution.low - margin, distribution.high + margin
    return (math.log(low), math.log(high)) if distribution.log else (low, high)


def nearest_to(distribution: FloatDistribution | IntDistribution, value: float) -> float | int:
    """Returns the value of a distribution that is nearest to a number."""
    if distribution.step is not None:
        value = distribution.low + round((value - distribution.low) / distribution.step) * distribution.step
    value = min(max(value, distribution.low), distribution.high)
    return int(value) if isinstance(distribution, IntDistribution) else float(value)
