"""How many frames are predicted at once: as many as memory allows, found while working."""

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
"""Of the free memory that a batch may take by our reckoning, which does not see what operations allocate inside."""


class BatchSize:
    """Begins with one frame, looks at what it takes, and halves where that was too hopeful.

    Attributes:
        now: Frames at once.
    """

    def __init__(self, device: torch.device, most: int) -> None:
        """Begins.

        Args:
            device: Where frames are predicted.
            most: Frames at once that are never exceeded.
        """
        self.now = 1
        self._device = device
        self._most = most
        self._measured = False

    def batches(self, items: Iterable[T], work: Callable[[Sequence[T]], R]) -> Iterator[tuple[Sequence[T], R]]:
        """Does work on items, several at once; each is in exactly one of the batches, and all are in order.

        Args:
            items: What is worked on.
            work: May run out of memory, and leaves nothing behind if it does: the same items are given again, fewer at
                once.

        Raises:
            RuntimeError: memory does not suffice for one item.
            MemoryError: the same, as numpy says it.
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
        """The result; None if memory did not suffice, and fewer are to be tried."""
        try:
            return (work(batch) if self._measured else self._observed(batch, work),)
        except (RuntimeError, MemoryError) as error:
            if len(batch) == 1 or not is_out_of_memory(error):
                raise
        # Only here is the error gone, and what it kept alive with it.
        self.now = len(batch) // 2
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        return None

    def _observed(self, batch: Sequence[T], work: Callable[[Sequence[T]], R]) -> R:
        """Works, and sets the batch size by what one item took at most."""
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
    """Bytes that can be allocated on a GPU, or on this machine."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else memory_left()
