"""Modular training (Hamlet's HAMT, arXiv 2307.15063): which encoder stages, from one to the last, learn in a step."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from segada.controllers.component import Part, PartState
from segada.settings.hamlet import ModularSettings


@dataclass(slots=True)
class ModuleState(PartState):
    """What a policy remembers.

    Attributes:
        stage: The latest choice of the first stage that learns, counted from 0.
    """

    stage: int = 0


class Modules(Part[ModuleState], ABC):
    """A policy that chooses the first stage that learns."""

    def __init__(self, settings: ModularSettings, generator: torch.Generator) -> None:
        """Starts with the first stage.

        Args:
            settings: Its numbers.
            generator: Of what is drawn.
        """
        super().__init__(ModuleState())
        self.settings = settings
        self.generator = generator

    @abstractmethod
    def choose(self) -> int:
        """The first stage that learns in the next step, which does learn; called once for each."""

    def learn(self, log: Mapping[str, float]) -> None:
        """Takes note of what the step reported; most policies take none."""

    def watched(self) -> dict[str, float]:
        """The latest choice."""
        return {"modular.first_stage": float(self.memory.stage)}


class Every(Modules):
    """All stages, always."""

    def choose(self) -> int:
        """0."""
        return 0


class Fixed(Modules):
    """The stages from one on that is given."""

    def choose(self) -> int:
        """The one in the settings."""
        self.memory.stage = self.settings.first_stage
        return self.memory.stage


class Drawn(Modules):
    """Stages at random."""

    def choose(self) -> int:
        """Drawn with the settings' probabilities."""
        weights = torch.tensor(self.settings.probabilities)
        self.memory.stage = int(torch.multinomial(weights, 1, generator=self.generator))
        return self.memory.stage


@dataclass(slots=True)
class Rewards(ModuleState):
    """What the reward rule remembers.

    Attributes:
        scores: Of each stage as the first that learns.
        latest: The loss of the latest step that learned; None before the first.
        before: The loss of the step before that.
        credited: What was chosen in the latest step: the next loss tells what that was good for.
    """

    scores: list[float] = field(default_factory=lambda: [0.0] * 4)
    latest: float | None = None
    before: float | None = None
    credited: int = 0


class Reward(Modules):
    """The stages whose learning has lately lowered the loss by more than its trend promised."""

    memory: Rewards

    def __init__(self, settings: ModularSettings, generator: torch.Generator) -> None:
        super().__init__(settings, generator)
        self.memory = Rewards()
        self._weights = (1.0,) * 4 if settings.speeds is None else _softmax(settings.speeds, settings.temperature)

    def choose(self) -> int:
        """The one with the greatest score; of equal ones the first."""
        scores = self.memory.scores
        self.memory.stage = scores.index(max(scores))
        return self.memory.stage

    def learn(self, log: Mapping[str, float]) -> None:
        """Scores what was chosen the step before: this step's loss was taken before its own choice could matter."""
        memory, loss = self.memory, log[self.settings.loss]
        latest = loss if memory.latest is None else memory.latest
        before = loss if memory.before is None else memory.before
        gain = 2.0 * latest - before - loss
        alpha, credited = self.settings.alpha, memory.credited
        memory.scores = [(1.0 - alpha) * score for score in memory.scores]
        memory.scores[credited] += alpha * gain * self._weights[credited]
        memory.latest, memory.before, memory.credited = loss, latest, memory.stage

    def watched(self) -> dict[str, float]:
        """The latest choice and the scores."""
        scores = {f"modular.score.{stage}": score for stage, score in enumerate(self.memory.scores)}
        return {**super().watched(), **scores}


def _softmax(values: tuple[float, ...], temperature: float) -> tuple[float, ...]:
    greatest = max(values)
    powers = [math.exp((value - greatest) / temperature) for value in values]
    return tuple(power / sum(powers) for power in powers)


MODULES: Mapping[str, Callable[[ModularSettings, torch.Generator], Modules]] = {
    "none": Every,
    "reward": Reward,
    "random": Drawn,
    "fixed": Fixed,
}
"""The policies by the name that settings use."""
