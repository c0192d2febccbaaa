"""The controller's contract: before each step, how to learn from it; after it, what came of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from segada.models.segmentor import Segmentor
from segada.settings import RunSettings


@dataclass(frozen=True, slots=True)
class StepPlan:
    """How one step learns.

    Attributes:
        learning_rate_factor: Multiplies every learning rate of the method's optimizer; at least 0.
        learning_rate: Takes the place of the optimizer's own rate; None leaves it.
        keeps_head_factor: Whether the head's factor multiplies `learning_rate` as it does the optimizer's own.
        trains: Whether the step learns at all.
        first_stage: Encoder stages before this one, counted from 0, do not learn, nor do the head's layers that read
            them and, unless it is 0, what reads the images beside the encoder.
        trains_fusion: Whether the head's other layers learn.
        mix_ratio: Takes the place of the method's share of pasted source classes; None leaves it.
    """

    learning_rate_factor: float = 1.0
    learning_rate: float | None = None
    keeps_head_factor: bool = True
    trains: bool = True
    first_stage: int = 0
    trains_fusion: bool = True
    mix_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class StepView:
    """What a controller sees before a step.

    Attributes:
        number: Of the step, counted from 0 over the whole stream.
        total: Steps of the whole stream.
        images: Target frames, float32 [B, 3, H, W] in [0, 1].
        logits: What the scored network says of them, [B, K, H/4, W/4]; None unless the run is scored online or the
            controller `watches_predictions`.
    """

    number: int
    total: int
    images: Tensor
    logits: Tensor | None = None


@dataclass(frozen=True, slots=True)
class ControllerParts:
    """What a controller is built from.

    Attributes:
        settings: Of the whole run; a controller reads its own section.
        static_model: Makes a frozen copy of the source model, without adapters, that shares what never learns.
        generator: Of everything that is random in a controller.
    """

    settings: RunSettings
    static_model: Callable[[], Segmentor]
    generator: torch.Generator


class Controller(ABC):
    """Plans the steps of a stream: the stream calls `plan`, the method's step, `observe`, for each batch in order."""

    watches_predictions: bool = False
    """Whether `StepView.logits` must be there."""

    @abstractmethod
    def plan(self, view: StepView) -> StepPlan:
        """How the next step learns."""

    def observe(self, log: Mapping[str, float]) -> None:  # noqa: B027 - most learn nothing from it
        """What the step reported; empty if it was planned not to train."""

    def watched(self) -> dict[str, float]:
        """The controller's own state after the latest plan, for the log of frames."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Everything that decides the plans to come and is not in the parts; the generator belongs to the stream."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:  # noqa: B027 - most have none
        """Takes back what `state_dict` gave."""
