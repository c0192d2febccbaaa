"""Blocks of an encoder that carry adapters, and the table of all adapters in blocks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from segada.core.named_code import named
from segada.models.adapters.adaptformer import insert_adaptformer
from segada.models.adapters.lora import insert_lora
from segada.models.adapters.rein import insert_reins
from segada.models.adapters.vida import insert_vida
from segada.models.encoders.base import Encoder
from segada.models.encoders.transformer_block import TransformerBlock
from segada.settings.adapter import AdapterSettings, NoAdapter, PlacedSettings
from segada.settings.check_widths import check_adapter

ADAPTERS: Mapping[str, Callable[[TransformerBlock, Any, torch.Generator], None]] = {
    "adaptformer": insert_adaptformer,
    "lora": insert_lora,
    "vida": insert_vida,
}
"""Functions that insert each adapter into a block; each takes its own settings, which the union pairs with its name."""

TOGETHER: Mapping[str, Callable[[Sequence[TransformerBlock], Any, torch.Generator], None]] = {"rein": insert_reins}
"""Functions that insert an adapter whose blocks share parameters into all blocks at once."""


def place_adapter(encoder: Encoder, settings: AdapterSettings, generator: torch.Generator) -> None:
    """Inserts the adapters that the settings name; the encoder's outputs stay the same bit for bit until training.

    Raises:
        ValueError: The rank of a low-rank update exceeds the width of a block, or the encoder has no blocks.
    """
    if isinstance(settings, NoAdapter):
        return
    blocks = list(chosen_blocks(encoder, settings))
    check_adapter(settings, encoder.channels, "the encoder")
    if settings.name in TOGETHER:
        TOGETHER[settings.name](blocks, settings, generator)
        return
    insert = named(ADAPTERS, settings.name)
    for block in blocks:
        insert(block, settings, generator)


def chosen_blocks(encoder: Encoder, settings: PlacedSettings) -> Iterator[TransformerBlock]:
    """Yields the blocks that carry adapters, in the order in which they run."""
    stages, patterns = settings.stages, settings.blocks
    if isinstance(patterns, str):
        patterns = (patterns,) * len(stages)
    for stage, pattern in sorted(zip(stages, patterns, strict=True)):
        blocks = list(encoder.blocks((stage,)))
        for index in pattern_blocks(pattern, len(blocks)):
            yield blocks[index]


def pattern_blocks(pattern: str, depth: int) -> list[int]:
    """Returns the indices, from 0, of the blocks that a pattern selects in a stage of some depth; never empty.

    Args:
        pattern: See `settings.placement.BlockPattern`. A window selects the blocks i whose centre (i + 0.5) / depth
            lies in it, its end excluded, so that consecutive windows share no block. If there is none, it selects the
            block whose centre is nearest to its middle, the earlier of two.
        depth: Number of blocks of the stage.
    """
    if "-" in pattern:
        low, high = (float(end) for end in pattern.split("-"))
        return _window(low, high, depth)
    if pattern.startswith("every"):
        return list(range(0, depth, int(pattern.removeprefix("every"))))
    return {"all": list(range(depth)), "first": [0], "last": [depth - 1]}[pattern]


def _window(low: float, high: float, depth: int) -> list[int]:
    centres = [(index + 0.5) / depth for index in range(depth)]
    inside = [index for index, centre in enumerate(centres) if low <= centre < high]
    middle = (low + high) / 2
    return inside or [min(range(depth), key=lambda index: abs(centres[index] - middle))]
