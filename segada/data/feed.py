"""Batches for a device: while a GPU computes, another thread prepares the next one."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import torch

from segada.data.batch import Batch, to_batch
from segada.data.frames import Frames

Indices = npt.NDArray[np.int64]


def makes_ahead(device: torch.device) -> bool:
    """Returns True if batches are prepared ahead; on a CPU that would slow down the step as much as it saves."""
    return device.type == "cuda"


class Feed:
    """Batches of some frames, the same whether they are prepared ahead or not."""

    def __init__(self, frames: Frames, device: torch.device) -> None:
        """Starts a thread if batches are prepared ahead.

        Args:
            frames: Frames that batches are taken from.
            device: Device that the batches are for.
        """
        self._frames = frames
        self._pins = device.type == "cuda"
        self._thread = ThreadPoolExecutor(1, "feed") if makes_ahead(device) else None
        self._begun: tuple[Indices, Future[Batch]] | None = None

    def batch(self, indices: Indices, following: Indices | None = None) -> Batch:
        """Returns the frames of these indices [B], on the CPU; `following` are the indices that are probably requested
        next."""
        begun, self._begun = self._begun, None
        guessed = begun is not None and np.array_equal(begun[0], indices)
        made = begun[1].result() if begun is not None and guessed else self._made(indices)
        if self._thread is not None and following is not None:
            self._begun = following, self._thread.submit(self._made, following)
        return made

    def _made(self, indices: Indices) -> Batch:
        batch = to_batch(self._frames, indices)
        return batch.pinned() if self._pins else batch


def fed(frames: Frames, indices: Sequence[Indices], device: torch.device) -> Iterator[Batch]:
    """Yields a batch on the device for each of the index arrays [B]."""
    feed = Feed(frames, device)
    for current, following in zip(indices, [*indices[1:], None], strict=False):
        yield feed.batch(current, following).to(device)
