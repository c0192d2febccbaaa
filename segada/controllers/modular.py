"""Modular training (Hamlet's HAMT, arXiv 2307.15063): choice of the first encoder stage that learns in a step."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from segada.controllers.component import Part, PartState
from segada.settings.hamlet import ModularSettings


@dataclass(slots=True)
class ModuleState(PartState):
    """State of a policy.

    Attributes:
        stage: Latest choice of the first stage that learns, counted from 0.
    """

    stage: int = 0


class Modules(Part[ModuleState], ABC):
    """A policy that chooses the first stage that learns."""

    def __init__(self, settings: ModularSettings, generator: torch.Generator) -> None:
        """Starts with the first stage.

        Args:
            settings: Settings of the policy.
            generator: Generator of random choices.
        """
        super().__init__(ModuleState())
        self.settings = settings
        self.generator = generator

    @abstractmethod
    def choose(self) -> int:
        """Returns the first stage that learns in the next step; called once per learning step."""

    def learn(self, log: Mapping[str, float]) -> None:
        """Receives the step's log, which most policies ignore."""

    def watched(self) -> dict[str, float]:
        """Returns the latest choice."""
        return {"modular.first_stage": float(self.memory.stage)}


class Every(Modules):
    """All stages in every step."""

    def choose(self) -> int:
        """Returns 0."""
        return 0


class Fixed(Modules):
    """The stages from a fixed one on."""

    def choose(self) -> int:
        """Returns the stage that the settings name."""
        self.memory.stage = self.settings.first_stage
        return self.memory.stage


class Drawn(Modules):
    """Stages chosen at random."""

    def choose(self) -> int:
        """Draws a stage with the settings' probabilities."""
        weights = torch.tensor(self.settings.probabilities)
        self.memory.stage = int(torch.multinomial(weights, 1, generator=self.generator))
        return self.memory.stage


@dataclass(slots=True)
class Rewards(ModuleState):
    """State of the reward policy.

    Attributes:
        scores: Score of each stage as the first that learns.
        latest: Loss of the latest learning step; None before the first.
        before: Loss of the learning step before that.
        credited: Choice of the latest step, which the next loss rewards.
    """

    scores: list[float] = field(default_factory=lambda: [0.0] * 4)
    latest: float | None = None
    before: float | None = None
    credited: int = 0


class Reward(Modules):
    """The stages whose learning has recently lowered the loss by more than its trend predicted."""

    memory: Rewards

    def __init__(self, settings: ModularSettings, generator: torch.Generator) -> None:
        super().__init__(settings, generator)
        self.memory = Rewards()
        self._weights = (1.0,) * 4 if settings.speeds is None else _softmax(settings.speeds, settings.temperature)

    def choose(self) -> int:
        """Returns the stage with the greatest score; the first of equal ones."""
        scores = self.memory.scores
        self.memory.stage = scores.index(max(scores))
        return self.memory.stage

    def learn(self, log: Mapping[str, float]) -> None:
        """Scores the choice of the step before, as this step's loss was computed before its own choice had effect."""
        memory, loss = self.memory, log[self.settings.loss]
        latest = loss if memory.latest is None else memory.latest
        before = loss if memory.before is None else memory.before
        gain = 2.0 * latest - before - loss
        alpha, credited = self.settings.alpha, memory.credited
        memory.scores = [(1.0 - alpha) * score for score in memory.scores]
        memory.scores[credited] += alpha * gain * self._weights[credited]
        memory.latest, memory.before, memory.credited = loss, latest, memory.stage

    def watched(self) -> dict[str, float]:
        """Returns the latest choice and the scores."""
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
"""Table of the policies by their names in settings."""
