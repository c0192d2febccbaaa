"""The contract of every method: one step on one batch of target frames, and the network that is evaluated."""

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
from segada.evaluation.label_counts import Counts
from segada.methods.mix_visuals import MixPictures
from segada.models.segmentor import Segmentor
from segada.settings import RunSettings

StepLog = Mapping[str, Tensor]
"""Scalars that a step reports by name, without gradient: loss terms and monitored quantities."""

State = dict[str, Any]
"""State of a method: tensors, numbers, strings, lists and dicts, readable by `torch.load(weights_only=True)`."""


@dataclass(frozen=True, slots=True)
class MethodParts:
    """Components from which a method is built.

    Attributes:
        settings: Settings of the whole run; a method reads the section `method`.
        network: The source model, adapters inserted, freeze rules applied. The method owns it once constructed.
        replay: Endless labelled source frames.
        class_mix: Generator that draws the classes of class-mix.
        augmentation: Generator of resized crops, flips, color and blur.
        restoration: Generator that draws the elements restored to the source model's values.
        initialization: Generator for modules that the method itself builds, used only in its constructor; not
            checkpointed.
        source_frames: Generator that draws windows and styles of replayed frames.
        masking: Generator of masks and colors of masked frames.
        windows: Generator of windows and flips of the frames that an adapting method learns from.
        timer: Receives the beginning and end of each part of a step; measures only while profiling.
    """

    settings: RunSettings
    network: Segmentor
    replay: ReplayBuffer
    class_mix: torch.Generator
    augmentation: torch.Generator
    restoration: torch.Generator
    initialization: torch.Generator
    source_frames: torch.Generator
    masking: torch.Generator
    windows: torch.Generator
    timer: Timer = NULL_TIMER


class Method(ABC):
    """An adaptation algorithm, which owns its networks and its optimizer.

    For each batch of target frames, in order, the run calls `predict` (for the prequential score) and then `step`.
    Between visits it evaluates `predict` on held-out frames and saves `state_dict`. A method built from the same parts
    that loads this state continues exactly as an uninterrupted one.
    """

    @abstractmethod
    def __init__(self, parts: MethodParts) -> None:
        """Builds the method and takes ownership of the network in the parts."""

    @abstractmethod
    def step(self, target: Batch, plan: StepPlan) -> StepLog:
        """Adapts to a batch of target frames.

        Args:
            target: Frames of the visited domain. Only methods that are upper bounds may learn from their labels; others
                may read them for `label_counts` alone.
            plan: Learning rates and learning parts of the step.

        Returns:
            Scalars by name; empty if nothing was learned.
        """

    def enter_domain(self) -> None:  # noqa: B027 - most methods take no notice
        """Is called before the first step of a visit to another domain than that of the visit before."""

    @property
    @abstractmethod
    def evaluated_network(self) -> Segmentor:
        """Network that is evaluated and whose weights are the result of the run."""

    @abstractmethod
    def state_dict(self) -> State:
        """Returns everything that differs from the parts that the method was built from."""

    @abstractmethod
    def load_state_dict(self, state: State) -> None:
        """Restores the state that `state_dict` returned."""

    @property
    def other_network(self) -> Segmentor | None:
        """The network of student and teacher that is not evaluated; None if the method has no teacher."""
        return None

    def rates(self, plan: StepPlan) -> Mapping[str, float]:  # noqa: ARG002 - a method that learns says more
        """Returns the planned learning rates by part of the network; empty if nothing is learned by gradients."""
        return {}

    def label_counts(self) -> Counts:
        """Returns counts of the latest step's labels and predictions against ground truth; empty if it has none."""
        return {}

    def pictures(self) -> MixPictures | None:
        """Returns the tensors of the latest step that learned; None without mixing or without `logging.mix_panels`."""
        return None

    def predict(self, images: Tensor) -> Tensor:
        """Returns logits [B, K, H/4, W/4] of the evaluated network in evaluation mode, without gradient.

        A method whose predictions are averaged over views returns logarithms of probabilities [B, K, H, W].
        """
        network = self.evaluated_network
        network.eval()
        with torch.inference_mode():
            logits: Tensor = network(images)
        return logits
