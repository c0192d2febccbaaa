"""Base class of heads: logits at a quarter of the images' resolution from four feature maps."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Head(nn.Module, ABC):
    """Base of heads: logits [B, K, H/4, W/4] from feature maps [B, C, H/s, W/s] of strides s = 4, 8, 16 and 32, finest
    first.

    A head is built from `(channels, width, classes)`: the widths of the four maps, its embedding width and K.

    Attributes:
        channels: Width of each map that the head reads.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.channels = tuple(channels)

    @abstractmethod
    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Computes logits from the four maps."""

    def light(self, finest: Tensor) -> Tensor:  # noqa: ARG002 - a head without a light exit refuses every map
        """Computes logits [B, K, H/4, W/4] from the map of the first stage alone.

        Raises:
            ValueError: This head has no light exit.
        """
        raise ValueError("this head has no light exit; set model.head to multi_exit")

    def light_part(self) -> nn.Module | None:
        """Returns the layers of the light exit that the main exit does not use; None if this head has no light exit."""
        return None

    @abstractmethod
    def stage_part(self, stage: int) -> nn.Module:
        """Returns the layers that read only the map of one stage, counted from 0."""

    @abstractmethod
    def initialize(self, generator: torch.Generator) -> None:
        """Initializes every parameter and buffer."""


def initialize_classifier(classifier: nn.Conv2d, generator: torch.Generator) -> None:
    """Initializes a classifier with small weights, so that all classes start almost equally probable."""
    nn.init.normal_(classifier.weight, std=0.01, generator=generator)
    assert classifier.bias is not None
    nn.init.zeros_(classifier.bias)
