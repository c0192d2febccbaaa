"""Batch size of predictions, adapted at run time to the available memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeVar

import torch

from segada.cli.exit_codes import is_out_of_memory
from segada.data.cache.memory_left import memory_left
from segada.models.peak_memory import Living

T = TypeVar("T")
R = TypeVar("R")

SHARE: Final = 0.5
"""Share of the free memory that a batch may take by the measurement, which misses temporaries inside operations."""


class BatchSize:
    """Starts with one frame, measures its memory, and halves the batch if memory does not suffice.

    Attributes:
        now: Present batch size in frames.
    """

    def __init__(self, device: torch.device, most: int) -> None:
        """Starts with a batch of one frame.

        Args:
            device: Device of the predictions.
            most: Largest allowed batch.
        """
        self.now = 1
        self._device = device
        self._most = most
        self._measured = False

    def batches(self, items: Iterable[T], work: Callable[[Sequence[T]], R]) -> Iterator[tuple[Sequence[T], R]]:
        """Yields batches with their results; every item is in exactly one batch, in order.

        Args:
            items: Items to process.
            work: Processes a batch. It may run out of memory and must then have no side effects: the same items are
                passed again in smaller batches.

        Raises:
            RuntimeError: if memory does not suffice for one item.
            MemoryError: the same, raised by numpy.
        """
        source, waiting = iter(items), list[T]()
        while True:
            waiting += islice(source, max(self.now - len(waiting), 0))
            if not waiting:
                return
            batch = waiting[: self.now]
            made = self._tried(batch, work)
            if made is not None:
                del waiting[: len(batch)]
                yield batch, made[0]

    def _tried(self, batch: Sequence[T], work: Callable[[Sequence[T]], R]) -> tuple[R] | None:
        """Returns the result; None if memory did not suffice and a smaller batch must be tried."""
        try:
            return (work(batch) if self._measured else self._observed(batch, work),)
        except (RuntimeError, MemoryError) as error:
            if len(batch) == 1 or not is_out_of_memory(error):
                raise
        # The error, and the tensors that it keeps alive, are freed only after the `except` block.
        self.now = len(batch) // 2
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        return None

    def _observed(self, batch: Sequence[T], work: Callable[[Sequence[T]], R]) -> R:
        """Processes a batch, and sets the batch size by the peak memory per item."""
        if self._device.type == "cuda":
            before = torch.cuda.memory_allocated(self._device)
            torch.cuda.reset_peak_memory_stats(self._device)
            result = work(batch)
            taken = torch.cuda.max_memory_allocated(self._device) - before
        else:
            with Living() as living:
                result = work(batch)
                taken = living.peak
        self._measured = True
        self.now = max(1, min(self._most, int(SHARE * free_memory(self._device) * len(batch) / max(taken, 1))))
        return result


def free_memory(device: torch.device) -> int:
    """Returns the bytes that can be allocated on a GPU, or on this machine."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else memory_left()
