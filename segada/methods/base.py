"""The contract of every method: one step on one batch of target frames, and the network that is scored."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from segada.controllers.base import StepPlan
from segada.core.timer import NULL_TIMER, Timer
from segada.data.batch import Batch
from segada.data.replay import ReplayBuffer
from segada.methods.mix_visuals import MixPictures
from segada.models.segmentor import Segmentor
from segada.settings import RunSettings

StepLog = Mapping[str, Tensor]
"""Scalars that a step reports by name: loss terms, and what the method watches. Without gradient."""

State = dict[str, Any]
"""As torch's: tensors, numbers, strings, and lists and dicts of them; `torch.load(weights_only=True)` reads it back."""


@dataclass(frozen=True, slots=True)
class MethodParts:
    """What a method is built from.

    Attributes:
        settings: Of the whole run; a method reads its own section.
        network: The source model, adapters inserted, freeze rules applied. The method owns it from now on.
        replay: Labelled source frames, endlessly.
        class_mix: Generator of the choice of classes.
        augmentation: Generator of resized crops, flips, color and blur.
        restoration: Generator of what goes back to the source model.
        initialization: Generator of what the method itself builds, for its constructor alone; no checkpoint holds it.
        source_frames: Generator of windows and styles of replayed frames.
        timer: Told where each part of a step begins and ends; measures nothing unless a profile is taken.
    """

    settings: RunSettings
    network: Segmentor
    replay: ReplayBuffer
    class_mix: torch.Generator
    augmentation: torch.Generator
    restoration: torch.Generator
    initialization: torch.Generator
    source_frames: torch.Generator
    timer: Timer = NULL_TIMER


class Method(ABC):
    """An adaptation algorithm. It owns its networks and its optimizer.

    The stream calls, for each batch of target frames in order: `predict` (the prequential score), then `step`. Between
    visits it evaluates `predict` on held-out frames, and saves `state_dict`; a method built from the same parts that
    loads it continues as if nothing had happened.
    """

    @abstractmethod
    def __init__(self, parts: MethodParts) -> None:
        """Builds the method; the network in the parts is its own from now on."""

    @abstractmethod
    def step(self, target: Batch, plan: StepPlan) -> StepLog:
        """Adapts to target frames.

        Args:
            target: Frames of the visited domain. Their labels are there for upper bounds alone, and are otherwise
                not looked at.
            plan: How to learn from them.

        Returns:
            Scalars; empty if nothing was learned.
        """

    @property
    @abstractmethod
    def evaluated_network(self) -> Segmentor:
        """The network that is evaluated and whose weights are the result."""

    @abstractmethod
    def state_dict(self) -> State:
        """Everything that differs from what the parts gave."""

    @abstractmethod
    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` gave."""

    @property
    def other_network(self) -> Segmentor | None:
        """The one of student and teacher that is not scored; None if the method has no teacher."""
        return None

    def rates(self, plan: StepPlan) -> Mapping[str, float]:  # noqa: ARG002 - a method that learns says more
        """The learning rates of a planned step, by part of the network; empty if nothing is learned by gradients."""
        return {}

    def pictures(self) -> MixPictures | None:
        """What the latest step that learned was made of; None if the method does not mix, or was not asked to show."""
        return None

    def predict(self, images: Tensor) -> Tensor:
        """Logits [B, K, H/4, W/4] of the scored network in evaluation mode, without gradient."""
        network = self.evaluated_network
        network.eval()
        with torch.inference_mode():
            logits: Tensor = network(images)
        return logits
