"""Table of the stages and transformer blocks of an encoder, and of the adapters in them."""

from collections.abc import Sequence

from rich.table import Table

from segada.models.encoders.base import SLOTS, STRIDES, Encoder


def placement_table(encoder: Encoder, name: str, adapter: str) -> Table:
    """Returns a row per stage: what `adapter.stages` and `adapter.blocks` name, and which slots are filled.

    Args:
        encoder: Built encoder, with its adapters.
        name: Name of the encoder.
        adapter: Name of the adapter.
    """
    table = Table(
        title=f"stages and blocks of {name}, with the adapter {adapter}",
        caption="stages, and blocks in their stage, are counted from 0, as in adapter.stages and adapter.blocks",
    )
    for column in ("stage", "stride", "width", "blocks", "modules", "adapters"):
        table.add_column(column, justify="left" if column in ("modules", "adapters") else "right", overflow="fold")
    for stage, (stride, width) in enumerate(zip(STRIDES, encoder.channels, strict=True)):
        blocks = encoder.block_names(stage)
        numbers = (str(number) for number in (stage, stride, width, len(blocks)))
        table.add_row(*numbers, _span(blocks), _adapters(encoder, blocks))
    return table


def _span(blocks: Sequence[str]) -> str:
    """Returns the names of blocks as `stages.0.blocks.0 to 2`."""
    if not blocks:
        return "no transformer blocks"
    last = blocks[-1].rpartition(".")[2]
    return f"encoder.{blocks[0]}" if len(blocks) == 1 else f"encoder.{blocks[0]} to {last}"


def _adapters(encoder: Encoder, blocks: Sequence[str]) -> str:
    """Returns the filled slots and the blocks that have them, such as `q_update in blocks 0, 2`."""
    found: dict[str, list[str]] = {}
    for index, name in enumerate(blocks):
        slots = [slot for slot in SLOTS if _is_filled(encoder, name, slot)]
        if slots:
            found.setdefault(", ".join(slots), []).append(str(index))
    return "; ".join(f"{slots} in blocks {', '.join(indices)}" for slots, indices in found.items()) or "none"


def _is_filled(encoder: Encoder, block: str, slot: str) -> bool:
    inside = encoder.get_submodule(block)
    return any(slot in name.split(".") for name, _ in inside.named_modules())
