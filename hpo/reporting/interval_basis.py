"""Sentences on how intervals are computed, and on the blocks in which frames are drawn."""

from collections.abc import Mapping
from typing import Final

from hpo.reporting.wording import counted, listed
from hpo.results.confirmation import Blocks

FEW: Final = 5
"""Number of blocks below which an interval says little."""
_METHOD = (
    "Intervals are a bootstrap over frames and {units}: blocks of successive frames of a recording are drawn "
    "(moving-block bootstrap), {units} add their standard error, and both are widened for small numbers (Student's t)."
)


def interval_basis(blocks: Mapping[str, Blocks], source_models: int = 0) -> str:
    """Returns sentences on intervals over frames and seeds, with the length of blocks.

    Args:
        blocks: Blocks by label of the visit; empty if they are unknown.
        source_models: Number of source models, if there are several; 0 otherwise.
    """
    labels: dict[Blocks, list[str]] = {}
    for label, one in blocks.items():
        labels.setdefault(one, []).append(label)
    method = _METHOD.format(units="source models" if source_models else "seeds")
    return " ".join([method, *(_sentence(one, names) for one, names in labels.items())])


def _sentence(blocks: Blocks, labels: list[str]) -> str:
    frames = f"The {counted(blocks.frames, 'frame')} of {listed(labels)}"
    if blocks.recordings == blocks.frames:
        return f"{frames} are independent scenes, drawn one by one."
    where = f"are of {counted(blocks.recordings, 'recording')}"
    length = f"blocks have {counted(blocks.block_length, 'frame')}"
    return f"{frames} {where}; {length} (Politis and White 2004, corrected 2009).{_warning(blocks, labels)}"


def _warning(blocks: Blocks, labels: list[str]) -> str:
    """Returns a sentence if the frames make too few blocks for an interval that says much; empty otherwise."""
    count = max(1, round(blocks.frames / blocks.block_length))
    if count >= FEW:
        return ""
    return (
        f" They make {counted(count, 'block')}, so that the intervals of {listed(labels)} are wide; more recordings "
        "narrow them, more frames of these hardly do."
    )
