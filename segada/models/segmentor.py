"""The segmentor: encoder and head, with a frozen prefix that is computed once and shared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from segada.models.encoders.base import Encoder
from segada.models.heads.base import Head
from segada.models.preprocessing import IMAGENET, Preprocessing

SMALLEST_SIDE = 32
"""Smallest side of images in pixels; the deepest feature map has a stride of 32."""


@dataclass(frozen=True, slots=True)
class SegmentorShape:
    """Properties that two segmentors must share to load each other's weights."""

    encoder: str
    head: str
    width: int
    classes: int


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


class Segmentor(nn.Module):
    """Segmentation network: logits [B, K, H/4, W/4] from RGB images [B, 3, H, W] in [0, 1].

    `forward` is `decode(encode_rest(encode_frozen(images)))`; callers that run several networks on the same images
    compute the prefix once, with the student, and pass it to each network.

    Raises:
        ValueError: The head was built for maps of other widths than the encoder outputs.
    """

    mean: Tensor
    std: Tensor
    preprocessing: Preprocessing
    """Preprocessing that its weights expect; `mean` and `std` hold its values. Set by `prepare`."""
    class_names: tuple[str, ...] = ()
    """Names of its classes, in the order of its channels; empty if they are not known."""
    origin: str = "random weights"
    """Origin of its weights, in one line."""

    def __init__(self, shape: SegmentorShape, encoder: Encoder, head: Head) -> None:
        super().__init__()
        if head.channels != encoder.channels:
            raise ValueError(
                f"the head {shape.head!r} was built for maps of {head.channels} channels, but the encoder "
                f"{shape.encoder!r} makes maps of {encoder.channels}; build it from the encoder's channels"
            )
        self.shape = shape
        self.encoder = encoder
        self.head = head
        self.register_buffer("mean", torch.empty(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.empty(1, 3, 1, 1), persistent=False)
        self.prepare(IMAGENET)

    def prepare(self, preprocessing: Preprocessing) -> None:
        """Makes the network read images by this preprocessing from now on."""
        self.preprocessing = preprocessing
        self.mean.copy_(torch.tensor(preprocessing.mean).view(1, 3, 1, 1))
        self.std.copy_(torch.tensor(preprocessing.std).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        return self.decode(self.encode(images))

    def encode(self, images: Tensor) -> list[Tensor]:
        """Computes feature maps of all stages, strides 4, 8, 16 and 32."""
        return self.encode_rest(self.encode_frozen(images))

    @torch.no_grad()
    def encode_frozen(self, images: Tensor) -> FrozenPrefix:
        """Normalizes images, then runs the leading frozen stages without recording gradients.

        Raises:
            ValueError: The images are smaller than 32 pixels on a side.
        """
        normalized = self.normalized(images)
        return FrozenPrefix(normalized, tuple(self.encoder.run(normalized, 0, self.encoder.frozen_stages())))

    def normalized(self, images: Tensor) -> Tensor:
        """Returns images as inputs of the encoder: in its order of channels, normalized, with channels last in memory.

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

    def encode_rest(self, prefix: FrozenPrefix, learning_from: int = 0) -> list[Tensor]:
        """Computes the feature maps of all stages as inputs of the head; runs the stages that the prefix does not
        contain.

        Args:
            prefix: Frozen prefix of the images, computed by this network or a copy of it.
            learning_from: First stage, counted from 0, that records gradients. Earlier stages run without, and so does
                the image adapter unless this is 0.
        """
        done, total = len(prefix.features), len(self.encoder.stages)
        with torch.set_grad_enabled(torch.is_grad_enabled() and learning_from == 0):
            guide = self.encoder.guide(prefix.images)
        features = list(prefix.features)
        first = min(max(done, learning_from), total)
        if first > done:
            with torch.no_grad():
                features += self.encoder.run(features[-1] if features else prefix.images, done, first, guide)
        if first < total:
            features += self.encoder.run(features[-1] if features else prefix.images, first, total, guide)
        return self.encoder.fed(features, guide)

    def decode(self, features: Sequence[Tensor]) -> Tensor:
        """Computes logits at a quarter of the images' resolution."""
        logits: Tensor = self.head(features)
        return logits
