"""Sentences on how intervals are computed, and on the blocks in which frames are drawn."""

from collections.abc import Mapping

from hpo.reporting.wording import counted, listed
from hpo.results.confirmation import Blocks

_METHOD = (
    "Intervals are a bootstrap over frames and seeds: blocks of successive frames of a recording are drawn "
    "(moving-block bootstrap), seeds add their standard error, and both are widened for small numbers (Student's t)."
)


def interval_basis(blocks: Mapping[str, Blocks]) -> str:
    """Returns sentences on intervals over frames and seeds, with the length of blocks.

    Args:
        blocks: Blocks by label of the visit; empty if they are unknown.
    """
    labels: dict[Blocks, list[str]] = {}
    for label, one in blocks.items():
        labels.setdefault(one, []).append(label)
    return " ".join([_METHOD, *(_sentence(one, names) for one, names in labels.items())])


def _sentence(blocks: Blocks, labels: list[str]) -> str:
    frames = f"The {counted(blocks.frames, 'frame')} of {listed(labels)}"
    if blocks.recordings == blocks.frames:
        return f"{frames} are independent scenes, drawn one by one."
    where = f"are of {counted(blocks.recordings, 'recording')}"
    length = f"blocks have {counted(blocks.block_length, 'frame')}"
    return f"{frames} {where}; {length} (Politis and White 2004, corrected 2009)."
