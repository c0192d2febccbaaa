"""From what runs share to the training of their source model: the `pretrain` section of a study or a comparison."""

from collections.abc import Mapping
from typing import Final

from segada.settings.nested import Tree, Value, merged
from segada.settings.presets import spelled_out

OF_THE_DRIVE: Final = ("route", "rounds")
"""How `stream.visits` are driven."""


def source_training(run: Mapping[str, Value], changes: Mapping[str, Value]) -> Tree:
    """The values of `run` with the changes that make it a source training.

    Visits of its own are passed once, in their order, unless it says otherwise itself: how the runs drive theirs, there
    and back or in rounds, does not multiply the training.

    Args:
        run: What the runs share.
        changes: The section.
    """
    tree, own = merged(run, spelled_out(changes)), changes.get("stream")
    stream = tree.get("stream")
    if not (isinstance(own, dict) and isinstance(stream, dict) and "visits" in own):
        return tree
    inherited = [key for key in OF_THE_DRIVE if key not in own]
    return {**tree, "stream": {key: value for key, value in stream.items() if key not in inherited}}
