"""Want of memory, as torch, numpy and Ray say it."""

from collections.abc import Sequence

from segada.command import OUT_OF_MEMORY

LEAN_BATCH = 1
"""Frames per forward pass of evaluation once memory has proved short: it takes the least, and scores the same."""

_EVICTED = "low on memory"
"""What Ray says of a worker that it has ended because its node had no memory left."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether an allocation failed, on a processor or a GPU; they share no exception."""
    signs: Sequence[str] = OUT_OF_MEMORY
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in str(error) for sign in signs)
    )


def was_evicted(death: str) -> bool:
    """Whether a worker's death, in Ray's words, was for want of memory."""
    return _EVICTED in death
