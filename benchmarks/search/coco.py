"""COCO's problems (Hansen et al. 2021, arXiv 1603.08785): bbob, bbob-mixint, bbob-biobj; package `coco-experiment`."""

import contextlib
import importlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from benchmarks.search.problems import Problem, ProblemKey, Tried
from hpo.search_space import Space
from hpo.search_space.configuration import Configuration
from hpo.search_space.kinds import Parameter
from segada.errors import InputError

FUNCTIONS: Mapping[str, int] = {"bbob": 24, "bbob-mixint": 24, "bbob-biobj": 55}
"""Suites in use, with their numbers of functions."""

OPTIMUM = "._bbob_problem_best_parameter.txt"
"""File into which COCO writes the best point on request, in the working folder of the process."""


class CocoProblem(Problem):
    """One objective: the value above the optimum. Two objectives: 1 - the share of the volume
    between ideal and nadir point that is dominated.

    If no point dominates the nadir point, the loss is 1 + the distance to it, as in COCO's own indicator.
    """

    def __init__(self, key: ProblemKey) -> None:
        # The suite owns the memory of its problems.
        self._suite, self._problem = _load(key)
        integers = self._problem.number_of_integer_variables
        bounds = list(zip(self._problem.lower_bounds, self._problem.upper_bounds, strict=True))
        described = {
            f"x{index}": {"type": "int", "low": int(low), "high": int(high)}
            if index < integers
            else {"type": "float", "low": float(low), "high": float(high)}
            for index, (low, high) in enumerate(bounds)
        }
        space = Space(TypeAdapter(dict[str, Parameter]).validate_python(described))
        super().__init__(space, self._problem.number_of_objectives)
        self._names = list(described)
        if self.objectives == 1:
            self._ideal = self._at(_optimum(self._problem))
        else:
            ends = np.array([self._at(_optimum(_load(part)[1])) for part in _parts(self._problem.name)])
            self._ideal, self._nadir = ends.min(axis=0), ends.max(axis=0)

    def values(self, configuration: Configuration) -> tuple[float, ...]:
        return tuple(self._at([configuration.values[name] for name in self._names]))

    def loss(self, tried: Sequence[Tried]) -> float:
        values = np.array([one.values for one in tried])
        if self.objectives == 1:
            return float(max(values.min() - self._ideal[0], 0.0))
        shares = (values - self._ideal) / (self._nadir - self._ideal)
        inside = shares[(shares < 1.0).all(axis=1)]
        if len(inside):
            return float(1.0 - hypervolume(inside))
        return 1.0 + float(np.linalg.norm(np.maximum(shares - 1.0, 0.0), axis=1).min())

    def _at(self, point: Any) -> NDArray[np.float64]:
        return np.atleast_1d(np.asarray(self._problem(point), float))


def hypervolume(points: NDArray[np.float64]) -> float:
    """Returns the area that two-dimensional points below (1, 1) dominate there."""
    area, top = 0.0, 1.0
    for first, second in points[np.lexsort((points[:, 1], points[:, 0]))]:
        if second < top:
            area += (1.0 - first) * (top - second)
            top = second
    return area


def _cocoex() -> ModuleType:
    try:
        return importlib.import_module("cocoex")
    except ModuleNotFoundError:
        cure = "pip install coco-experiment, or take --suites branches"
        raise InputError(f"the suites of COCO need a package that is not installed: {cure}") from None


def _load(key: ProblemKey) -> tuple[Any, Any]:
    wanted = f"dimensions:{key.dimension} function_indices:{key.function}"
    suite = _cocoex().Suite(key.suite, f"instances:{key.instance}", wanted)
    if len(suite) != 1:
        raise InputError(f"{key.suite}: has no function {key.function} of {key.dimension} dimensions")
    return suite, suite[0]


def _parts(name: str) -> list[ProblemKey]:
    """Returns the two problems that a two-objective problem consists of: `bbob_f001_i02_d05__bbob_f002_i04_d05`."""
    words = [part.split("_") for part in name.split("__")]
    return [ProblemKey("bbob", int(f[1:]), int(d[1:]), int(i[1:])) for _, f, i, d in words]


def _optimum(problem: Any) -> list[float]:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        problem._best_parameter("print")
        return [float(number) for number in Path(OPTIMUM).read_text().split()]
