"""Problems shaped like searches of adaptation settings: scales, branches, subsets, one noisy objective."""

from collections.abc import Sequence

import numpy as np
from pydantic import TypeAdapter

from benchmarks.search.problems import Problem, ProblemKey, Tried
from hpo.search_space import Space
from hpo.search_space.configuration import Configuration
from hpo.search_space.kinds import Parameter
from hpo.search_space.scaling import to_unit

FUNCTIONS = 4
"""Number of functions: smooth, smooth with noise, rugged, rugged with noise."""
NOISE = 0.02
"""Standard deviation of the noise; the best and the worst kind of adapter differ by ten times as much."""
PLACES = (0, 1, 2, 3)


class BranchesProblem(Problem):
    """Numbers that always matter, and kinds of adapter with parameters of their own, one of which is best.

    The loss is the true value of the configuration with the best noisy value, as for a user who selects by noisy
    results.
    """

    def __init__(self, key: ProblemKey) -> None:
        super().__init__(_space(key.dimension), 1)
        self._generator = np.random.default_rng((key.function, key.dimension, key.instance))
        self._rugged, self._noisy = key.function > FUNCTIONS // 2, key.function % 2 == 0
        self._numbers = {
            name: one for name, one in self.space.distributions().items() if name not in ("kind", "places", "deep")
        }
        self._best = dict(zip(self._numbers, self._generator.random(len(self._numbers)), strict=True))
        self._best_places = [place for place in PLACES if self._generator.random() < 0.5] or [PLACES[-1]]
        offsets = self._generator.permutation([0.0, 0.1, 0.2])
        self._offsets = dict(zip(("none", "a", "b"), offsets.tolist(), strict=True))

    def values(self, configuration: Configuration) -> tuple[float, ...]:
        noise = NOISE * self._generator.standard_normal() if self._noisy else 0.0
        return (self.true(configuration) + noise,)

    def loss(self, tried: Sequence[Tried]) -> float:
        return self.true(min(tried, key=lambda one: one.values[0]).configuration)

    def true(self, configuration: Configuration) -> float:
        """Returns the value without noise: 0 at the optimum."""
        values = configuration.values
        total = self._offsets[str(values["kind"])]
        for name, distribution in self._numbers.items():
            value = values.get(name)
            if isinstance(value, int | float):
                total += self._cost(to_unit(distribution, value) - self._best[name])  # type: ignore[arg-type]
        places = values.get("places")
        if isinstance(places, list):
            total += 0.05 * sum((place in places) != (place in self._best_places) for place in PLACES)
        return float(total + 0.05 * (values.get("deep") is False))

    def _cost(self, away: float) -> float:
        ripples = 0.02 * (1.0 - np.cos(8.0 * np.pi * away)) if self._rugged else 0.0
        return float(away**2 + ripples)


def _space(dimension: int) -> Space:
    described: dict[str, dict[str, object]] = {
        f"x{index}": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True}
        if index % 2
        else {"type": "float", "low": 0.0, "high": 1.0}
        for index in range(dimension)
    }
    described |= {
        "kind": {"type": "choice", "choices": ["none", "a", "b"]},
        "width": {"type": "int", "low": 4, "high": 64, "log": True, "when": {"kind": ["a", "b"]}},
        "places": {"type": "subset", "of": list(PLACES), "when": {"kind": "a"}},
        "deep": {"type": "bool", "when": {"kind": "a"}},
        "share": {"type": "float", "low": 0.0, "high": 1.0, "when": {"kind": "b"}},
    }
    return Space(TypeAdapter(dict[str, Parameter]).validate_python(described))
