"""Want of memory: what is done about it, and how Ray says it."""

LEAN_BATCH = 1
"""Frames per forward pass of evaluation once memory has proved short: it takes the least, and scores the same."""

_EVICTED = "low on memory"
"""What Ray says of a worker that it has ended because its node had no memory left."""


def was_evicted(death: str) -> bool:
    """Whether a worker's death, in Ray's words, was for want of memory."""
    return _EVICTED in death
