"""Decoding with several threads gives the results of one thread, in order."""

import time

import pytest

from segada.data.cache.decoding import AHEAD, count_workers, in_order


@pytest.mark.parametrize("workers", [0, 1, 2, 7])
def test_results_come_in_order_whatever_takes_longest(workers: int) -> None:
    def work(item: int) -> int:
        time.sleep(0.002 * (item % 3 == 0))
        return item * item

    assert list(in_order(work, range(25), workers)) == [item * item for item in range(25)]


@pytest.mark.parametrize("workers", [1, 3])
def test_few_results_are_made_ahead(workers: int) -> None:
    begun: list[int] = []
    results = in_order(begun.append, iter(range(100)), workers)
    next(results)
    assert len(begun) <= AHEAD * workers + 1


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_comes_in_its_place_and_ends_the_work(workers: int) -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 3:
            raise ValueError("3")
        return item

    results = in_order(work, range(1000), workers)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="3"):
        next(results)
    assert len(begun) < 100


def test_workers_follow_the_machine_unless_said() -> None:
    assert count_workers(None) >= 1
    assert (count_workers(0), count_workers(5)) == (0, 5)
