"""The contract of every controller: a plan before each step, and the step's log after it."""

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
    """Plan of one step.

    Attributes:
        learning_rate_factor: Factor of every learning rate of the method's optimizer; at least 0.
        learning_rate: Rate that replaces the optimizer's own; None keeps the optimizer's.
        keeps_head_factor: True if the head's factor multiplies `learning_rate` as it does the optimizer's own rate.
        trains: True if the step learns at all.
        first_stage: First encoder stage that learns, counted from 0. Earlier stages do not learn, nor do the head's
            layers that read them and, unless it is 0, modules that read the images beside the encoder.
        trains_fusion: True if the head's other layers learn.
        mix_ratio: Share of pasted source classes that replaces the method's own; None keeps the method's.
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
    """Input of a controller before a step.

    Attributes:
        number: Number of the step, counted from 0 over the whole stream.
        total: Number of steps of the whole stream.
        images: Target frames, float32 [B, 3, H, W] in [0, 1].
        logits: Prediction of the evaluated network for these frames, [B, K, H/4, W/4]; None unless the run is scored
            online or the controller `watches_predictions`.
    """

    number: int
    total: int
    images: Tensor
    logits: Tensor | None = None


@dataclass(frozen=True, slots=True)
class ControllerParts:
    """Components from which a controller is built.

    Attributes:
        settings: Settings of the whole run; a controller reads the section `controller`.
        static_model: Returns a frozen copy of the source model without adapters, sharing parameters that never learn.
        generator: Generator of all random choices of a controller.
    """

    settings: RunSettings
    static_model: Callable[[], Segmentor]
    generator: torch.Generator


class Controller(ABC):
    """Plans the steps of a stream; for each batch the run calls `plan`, the method's step, then `observe`."""

    watches_predictions: bool = False
    """True if the controller needs `StepView.logits`."""

    @abstractmethod
    def plan(self, view: StepView) -> StepPlan:
        """Returns the plan of the next step."""

    def observe(self, log: Mapping[str, float]) -> None:  # noqa: B027 - most learn nothing from it
        """Receives the step's log, which is empty if the step was planned not to train."""

    def watched(self) -> dict[str, float]:
        """Returns the controller's own state after the latest plan, for the frame log."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Returns the state that determines future plans; the parts and the generator are saved elsewhere."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:  # noqa: B027 - most have none
        """Restores the state that `state_dict` returned."""
