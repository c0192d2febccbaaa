"""The base of segmentors, which the methods know a network by."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from segada.models.preprocessing import IMAGENET, Preprocessing

SMALLEST_SIDE = 32
"""Smallest side of images in pixels; the deepest feature map has a stride of 32."""


@dataclass(frozen=True, slots=True)
class FrozenPrefix:
    """Output of the leading frozen stages for a batch, from which student, teacher and static model continue.

    Attributes:
        images: Normalized images [B, 3, H, W].
        features: Feature maps of the frozen stages, finest first; empty if the first stage learns.
    """

    images: Tensor
    features: tuple[Tensor, ...]

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Joins several batches into one, in this order; all must come from the same network."""
        features = zip(*(part.features for part in parts), strict=True)
        return cls(torch.cat([part.images for part in parts]), tuple(torch.cat(maps) for maps in features))


class Segmentor(nn.Module, ABC):
    """Base of segmentation networks: logits [B, K, h, w] from RGB images [B, 3, H, W] in [0, 1].

    `forward` is `decode(encode_rest(encode_frozen(images)))`; callers that run several networks on the same images
    compute the prefix once, with the student, and pass it to each network.
    """

    mean: Tensor
    std: Tensor
    preprocessing: Preprocessing
    """Preprocessing that its weights expect; `mean` and `std` hold its values. Set by `prepare`."""
    class_names: tuple[str, ...] = ()
    """Names of its classes, in the order of its channels; empty if they are not known."""
    origin: str = "random weights"
    """Origin of its weights, in one line."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.empty(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.empty(1, 3, 1, 1), persistent=False)
        self.prepare(IMAGENET)

    @property
    @abstractmethod
    def classes(self) -> int:
        """Number K of classes."""

    @property
    @abstractmethod
    def title(self) -> str:
        """Name of the network in messages."""

    @property
    @abstractmethod
    def setting(self) -> str:
        """Setting that chooses the network, and its value: `model.encoder is mit_b0`."""

    @property
    @abstractmethod
    def joins_batches(self) -> bool:
        """True if several batches that are joined give `encode_rest` the same maps at less cost."""

    @abstractmethod
    def facts(self) -> dict[str, str]:
        """Returns what a file of its weights states about it."""

    @abstractmethod
    def storable(self) -> dict[str, Tensor]:
        """Returns parameters and running statistics under the names that a file has, without the state of generators,
        which belongs to a run."""

    def prepare(self, preprocessing: Preprocessing) -> None:
        """Makes the network read images by this preprocessing from now on."""
        self.preprocessing = preprocessing
        self.mean.copy_(torch.tensor(preprocessing.mean).view(1, 3, 1, 1))
        self.std.copy_(torch.tensor(preprocessing.std).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.decode(self.encode(images))

    def encode(self, images: Tensor) -> list[Tensor]:
        """Computes the maps that `decode` reads."""
        return self.encode_rest(self.encode_frozen(images))

    @abstractmethod
    def encode_frozen(self, images: Tensor) -> FrozenPrefix:
        """Normalizes images, then runs what is frozen at the beginning without recording gradients.

        Raises:
            ValueError: The images are smaller than 32 pixels on a side.
        """

    @abstractmethod
    def encode_rest(self, prefix: FrozenPrefix, learning_from: int = 0) -> list[Tensor]:
        """Computes the maps that `decode` reads from the frozen prefix.

        Args:
            prefix: Frozen prefix of the images, computed by this network or a copy of it.
            learning_from: First stage, counted from 0, that records gradients.
        """

    @abstractmethod
    def decode(self, features: Sequence[Tensor]) -> Tensor:
        """Computes logits [B, K, h, w], at the resolution of the network's output."""

    def normalized(self, images: Tensor) -> Tensor:
        """Returns images as inputs of the network: in its order of channels, normalized, with channels last in memory.

        Raises:
            ValueError: The images are smaller than 32 pixels on a side.
        """
        if min(images.shape[-2:]) < SMALLEST_SIDE:
            raise ValueError(
                f"images must be at least {SMALLEST_SIDE} pixels high and wide, but are {tuple(images.shape[-2:])}; "
                "set a larger data.size"
            )
        if self.preprocessing.channel_order == "bgr":
            images = images.flip(1)
        return ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)

    def held_back(self, first_stage: int, trains_fusion: bool) -> frozenset[str]:  # noqa: ARG002 - no stages
        """Returns the names of parameters that a plan of modular training leaves unchanged.

        Args:
            first_stage: First stage that learns, counted from 0.
            trains_fusion: Whether the parts of the head learn that read several stages.
        """
        return frozenset()

    def light_part(self) -> nn.Module | None:
        """Returns the layers of a light exit that the main exit does not use; None if there is no light exit."""
        return None

    def remove_adapters(self) -> None:
        """Empties every slot of adapters, in place."""

    def check_output(self, size: tuple[int, int]) -> None:
        """Checks that images of a size give finite logits of the right shape.

        Raises:
            ValueError: They do not; the message has both shapes.
        """

    def check_training(self, size: tuple[int, int]) -> None:
        """Checks that images of a size give logits of the right shape in train mode.

        Raises:
            ValueError: They do not; the message has both shapes.
        """

    def probed_size(self, size: tuple[int, int], largest: int) -> tuple[int, int]:
        """Returns a size of at most `largest` pixels on a side, if the network reads it, that stands for `size` where
        the number of cells of its maps is in question."""
        return min(size[0], largest), min(size[1], largest)


def without_generators(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns a state without the states of generators, which belong to a run, not to a network."""
    return {name: tensor for name, tensor in state.items() if not name.endswith("_extra_state")}
