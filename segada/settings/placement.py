"""Placement of adapters in an encoder: stages, and blocks within them."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from segada.settings.base import Sequence

PATTERN = re.compile(r"all|first|last|every[1-9]\d*|(?P<low>0|0?\.\d+)-(?P<high>1|1\.0*|0?\.\d+)")


def _each_once(stages: tuple[int, ...]) -> tuple[int, ...]:
    # Not by `min_length`, which would report a second error for a list whose only item is wrong.
    if not stages:
        raise PydanticCustomError("no_stage", "should name at least one stage")
    if len(set(stages)) < len(stages):
        raise PydanticCustomError("stage_twice", "should name each stage once")
    return stages


def _a_pattern(text: str) -> str:
    match = PATTERN.fullmatch(text)
    if match is None:
        raise PydanticCustomError(
            "no_pattern", "should be all, first, last, every2 (or another number) or a window such as 0.5-1"
        )
    if match["low"] is not None and float(match["low"]) > float(match["high"]):
        raise PydanticCustomError("no_window", "should be a window that rises, such as 0.5-1")
    return text


def _shape(blocks: object) -> str:
    return "list" if isinstance(blocks, list | tuple) else "pattern"


Stage = Literal[0, 1, 2, 3]
Stages = Annotated[Sequence[Stage], AfterValidator(_each_once)]

BlockPattern = Annotated[str, AfterValidator(_a_pattern)]
"""Pattern of blocks in a stage: `all`, the `first`, the `last`, `every2` (the first, third, ...) or a window.

A window is given as fractions of the stage's depth, such as `0.5-1`, and selects the blocks whose centre lies in it, or
at least the nearest one: it means the same at every depth.
"""

Blocks = Annotated[
    Annotated[BlockPattern, Tag("pattern")] | Annotated[Sequence[BlockPattern], Field(min_length=1), Tag("list")],
    Discriminator(_shape),
]
"""One pattern for all stages, or a list with one for each."""
