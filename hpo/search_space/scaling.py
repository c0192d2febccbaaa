"""Values of a distribution as positions in the unit interval, even in the scale that the distribution asks for."""

import math

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from hpo.search_space.parameter import Raw


def from_unit(distribution: BaseDistribution, unit: float) -> Raw:
    """The value at a position in [0, 1]; positions evenly spread give every whole number or choice an equal share."""
    if isinstance(distribution, CategoricalDistribution):
        count = len(distribution.choices)
        choice: Raw = distribution.choices[min(int(unit * count), count - 1)]
        return choice
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = _ends(distribution)
    position = low + unit * (high - low)
    return nearest_to(distribution, math.exp(position) if distribution.log else position)


def to_unit(distribution: FloatDistribution | IntDistribution, value: float) -> float:
    """The position of a number: in the middle of its share, if it is one of a grid."""
    low, high = _ends(distribution)
    return ((math.log(value) if distribution.log else value) - low) / (high - low)


def _ends(distribution: FloatDistribution | IntDistribution) -> tuple[float, float]:
    """Ends of the range in its scale; on a grid half a step further out, so that the end values get full shares."""
    margin = 0.0 if distribution.step is None else distribution.step / 2
    low, high = distribution.low - margin, distribution.high + margin
    return (math.log(low), math.log(high)) if distribution.log else (low, high)


def nearest_to(distribution: FloatDistribution | IntDistribution, value: float) -> float | int:
    """The value of a distribution that is nearest to a number."""
    if distribution.step is not None:
        value = distribution.low + round((value - distribution.low) / distribution.step) * distribution.step
    value = min(max(value, distribution.low), distribution.high)
    return int(value) if isinstance(distribution, IntDistribution) else float(value)
