"""Work that several threads do ahead of who takes it: the same results in the same order whatever their number."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD: Final = 2
"""Results per worker that are begun before they are asked for: enough that none waits, and few frames in memory."""


def count_workers(wanted: int | None) -> int:
    """The number of threads: as many as `data.loading.workers` says; for None one per CPU this process may use."""
    if wanted is not None:
        return wanted
    # macOS binds no process to CPUs.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """What `map(work, items)` gives, made by some threads ahead of who takes it.

    Args:
        work: Must not depend on the order in which it is called. Reading files, checksums, and the operations of
            OpenCV, numpy and torch let other threads run.
        items: What it is called with.
        workers: Threads; for 0 each result is made when it is asked for.

    Raises:
        Exception: what `work` raises, in the place of its result. Nothing more is begun then.
    """
    if workers == 0:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(workers, "ahead") as pool:
        begun: deque[Future[Result]] = deque()
        try:
            for item in items:
                begun.append(pool.submit(work, item))
                if len(begun) > AHEAD * workers:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
