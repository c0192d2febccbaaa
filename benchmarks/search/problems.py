"""Problems with known optima that samplers are measured on."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from hpo.search_space import Space
from hpo.search_space.configuration import Configuration


@dataclass(frozen=True, order=True)
class ProblemKey:
    """Which problem of which suite; instances of a function differ by shifts and rotations."""

    suite: str
    function: int
    dimension: int
    instance: int


@dataclass(frozen=True)
class Tried:
    """A configuration and the objective values that it was told to have, all minimized."""

    configuration: Configuration
    values: tuple[float, ...]


class Problem(ABC):
    """A space, and what it costs to be anywhere in it."""

    def __init__(self, space: Space, objectives: int) -> None:
        self.space = space
        self.objectives = objectives

    @abstractmethod
    def values(self, configuration: Configuration) -> tuple[float, ...]:
        """What a trial is told to have reached, per objective; smaller is better."""

    @abstractmethod
    def loss(self, tried: Sequence[Tried]) -> float:
        """What a search is worth whose trials these are: 0 if it found the optimum, larger the further it is off."""
