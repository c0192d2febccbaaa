"""Parallel map with threads that work ahead of the consumer; results and their order do not depend on the number of
threads."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD: Final = 2
"""Number of results per worker that are started before they are requested: enough to keep workers busy, with few frames
in memory."""


def count_workers(wanted: int | None) -> int:
    """Returns the number of threads: `data.loading.workers`, or for None the number of CPUs available to this
    process."""
    if wanted is not None:
        return wanted
    # macOS does not bind processes to CPUs.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_order(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Yields the results of `map(work, items)`, computed by threads ahead of the consumer.

    Args:
        work: Function that must not depend on the order of its calls. Reading files, checksums, and the operations of
            OpenCV, numpy and torch release the GIL.
        items: Arguments of `work`.
        workers: Number of threads; with 0 each result is computed when it is requested.

    Raises:
        Exception: An exception of `work`, in the place of its result. No further work is started then.
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
