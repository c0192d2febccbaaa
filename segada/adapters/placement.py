"""Which blocks of an encoder carry adapters, and the table of all adapters."""

from collections.abc import Callable

import torch

from segada.adapters.adaptformer import AdaptFormer
from segada.models.mix_transformer import MixTransformer
from segada.settings.adapter import AdapterSettings, AdaptFormerSettings, NoAdapter


def place_adapter(encoder: MixTransformer, settings: AdapterSettings, generator: torch.Generator) -> None:
    """Insert the adapters that the settings name; the encoder's outputs stay what they were, bit for bit."""
    ADAPTERS[settings.name](encoder, settings, generator)


def place_nothing(_encoder: MixTransformer, settings: AdapterSettings, _generator: torch.Generator) -> None:
    """The encoder as it is."""
    assert isinstance(settings, NoAdapter)


def place_adaptformer(encoder: MixTransformer, settings: AdapterSettings, generator: torch.Generator) -> None:
    """One bottleneck into the parallel slot of every block of the chosen stages.

    Raises:
        ValueError: a stage is named twice.
    """
    assert isinstance(settings, AdaptFormerSettings)
    if len(set(settings.stages)) < len(settings.stages):
        raise ValueError(f"adapter.stages must name each stage once, but is {list(settings.stages)}")
    for block in encoder.blocks(sorted(settings.stages)):
        block.parallel = AdaptFormer(block.width, settings.bottleneck, settings.scale, generator)


ADAPTERS: dict[str, Callable[[MixTransformer, AdapterSettings, torch.Generator], None]] = {
    "none": place_nothing,
    "adaptformer": place_adaptformer,
}
