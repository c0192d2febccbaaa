"""The segmentor of encoder and head, with a frozen prefix that is computed once and shared."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from segada.models.batch_norm import sees_batch
from segada.models.encoders.base import Encoder, strip_adapters
from segada.models.encoders.timm_encoder import TimmEncoder
from segada.models.heads.base import Head
from segada.models.segmentor import FrozenPrefix, Segmentor, without_generators


@dataclass(frozen=True, slots=True)
class SegmentorShape:
    """Properties that two segmentors of encoder and head must share to load each other's weights."""

    encoder: str
    head: str
    width: int
    classes: int


class StagedSegmentor(Segmentor):
    """Encoder of four stages, and a head that computes logits [B, K, H/4, W/4].

    Its stages give places to adapters, a prefix of frozen stages that networks share, features to compare, and parts to
    modular training.

    Raises:
        ValueError: The head was built for maps of other widths than the encoder outputs.
    """

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

    @property
    def classes(self) -> int:
        """Number K of classes."""
        return self.shape.classes

    @property
    def title(self) -> str:
        """Names of encoder and head."""
        return f"{self.shape.encoder} with the head {self.shape.head}"

    @property
    def setting(self) -> str:
        """The encoder, as settings name it."""
        return f"model.encoder is {self.shape.encoder}"

    @property
    def joins_batches(self) -> bool:
        """True unless a batch norm makes frames of a batch affect each other in the encoder."""
        return not sees_batch(self.encoder)

    def facts(self) -> dict[str, str]:
        """Returns encoder, head, width and number of classes."""
        return {key: str(value) for key, value in asdict(self.shape).items()}

    def storable(self) -> dict[str, Tensor]:
        """Returns parameters and running statistics by name."""
        return without_generators(self.state_dict())

    @torch.no_grad()
    def encode_frozen(self, images: Tensor) -> FrozenPrefix:
        """Normalizes images, then runs the leading frozen stages without recording gradients.

        Raises:
            ValueError: The images are smaller than 32 pixels on a side.
        """
        normalized = self.normalized(images)
        return FrozenPrefix(normalized, tuple(self.encoder.run(normalized, 0, self.encoder.frozen_stages())))

    def encode_rest(self, prefix: FrozenPrefix, learning_from: int = 0) -> list[Tensor]:
        """Computes the feature maps of all stages, strides 4, 8, 16 and 32, as inputs of the head; runs the stages that
        the prefix does not contain.

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

    def held_back(self, first_stage: int, trains_fusion: bool) -> frozenset[str]:
        """Returns the names of parameters of earlier stages, of what reads them, and of the fusion if it is frozen."""
        encoder, head = self.encoder, self.head
        readers = [head.stage_part(stage) for stage in range(len(encoder.stages))]
        held = _parameters(readers[:first_stage])
        if first_stage:
            held |= _parameters([encoder]) - _parameters(encoder.stages[first_stage:])
        if not trains_fusion:
            held |= _parameters([head]) - _parameters(readers)
        return frozenset(name for name, parameter in self.named_parameters() if id(parameter) in held)

    def light_part(self) -> nn.Module | None:
        """Returns the layers of the head's light exit; None if it has none."""
        return self.head.light_part()

    def remove_adapters(self) -> None:
        """Empties every slot of adapters, in place."""
        strip_adapters(self)

    def probed_size(self, size: tuple[int, int], largest: int) -> tuple[int, int]:
        """Returns the size cut to `largest`, or the only one that the encoder reads."""
        fixed = self.encoder.size if isinstance(self.encoder, TimmEncoder) else None
        return fixed or super().probed_size(size, largest)


def _parameters(modules: Iterable[nn.Module]) -> set[int]:
    return {id(parameter) for module in modules for parameter in module.parameters()}
