"""Lack of memory: the reduced evaluation batch, and Ray's message about killed workers."""

LEAN_BATCH = 1
"""Frames per forward pass of evaluation after memory ran out: the minimum memory, with the same mIoU."""

_EVICTED = "low on memory"
"""Part of Ray's message about a worker that it killed because its node had no memory left."""


def was_evicted(death: str) -> bool:
    """Returns True if Ray's message says that a worker was killed for lack of memory."""
    return _EVICTED in death
