"""Benchmark problems with known optima."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from hpo.search_space import Space
from hpo.search_space.configuration import Configuration


@dataclass(frozen=True, order=True)
class ProblemKey:
    """Identifies a problem of a suite; instances of a function differ by shifts and rotations."""

    suite: str
    function: int
    dimension: int
    instance: int


@dataclass(frozen=True)
class Tried:
    """A configuration and the objective values reported for it, all minimized."""

    configuration: Configuration
    values: tuple[float, ...]


class Problem(ABC):
    """A search space with its objective functions."""

    def __init__(self, space: Space, objectives: int) -> None:
        self.space = space
        self.objectives = objectives

    @abstractmethod
    def values(self, configuration: Configuration) -> tuple[float, ...]:
        """Returns the reported value of each objective; smaller is better."""

    @abstractmethod
    def loss(self, tried: Sequence[Tried]) -> float:
        """Returns the loss of a search from its trials: 0 if it found the optimum, larger the further it is off."""
