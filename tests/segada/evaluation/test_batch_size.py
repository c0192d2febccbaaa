"""Tests that frames are neither lost nor counted twice, however often memory runs out."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segada.evaluation.batch_size import BatchSize

CPU = torch.device("cpu")


def torch_on_a_gpu() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def torch_on_a_processor() -> None:
    torch.empty(2**60)


def numpy_on_a_processor() -> None:
    np.empty(2**58)


SHORTAGES: list[Callable[[], None]] = [torch_on_a_gpu, torch_on_a_processor, numpy_on_a_processor]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(1, 16), st.integers(1, 20), st.sampled_from(SHORTAGES))
def test_every_item_comes_once_and_in_order(count: int, most: int, section: int, fails: Callable[[], None]) -> None:
    tried: list[int] = []

    def work(items: Sequence[int]) -> list[int]:
        tried.append(len(items))
        if len(items) > section:
            fails()
        return [item * item for item in items]

    made = list(BatchSize(CPU, most).batches(range(count), work))

    assert [item for items, _ in made for item in items] == list(range(count))
    assert [square for _, squares in made for square in squares] == [item * item for item in range(count)]
    assert max(tried, default=0) <= most
    # Begins with one, halves what was too much, and never tries that again.
    assert tried[:1] == [1][:count]
    shortages = [size for size in tried if size > section]
    assert shortages == sorted(set(shortages), reverse=True)


def test_room_that_shrinks_on_the_way_costs_nothing() -> None:
    section = iter([8, 8, 8, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])

    def work(items: Sequence[int]) -> int:
        if len(items) > next(section):
            torch_on_a_gpu()
        return len(items)

    made = list(BatchSize(CPU, 8).batches(range(30), work))

    assert [item for items, _ in made for item in items] == list(range(30))
    assert [size for _, size in made][:4] == [1, 8, 8, 2]


def test_one_frame_that_does_not_fit_is_an_error() -> None:
    def work(items: Sequence[int]) -> None:
        torch_on_a_gpu()

    with pytest.raises(torch.OutOfMemoryError, match="Tried to allocate"):
        list(BatchSize(CPU, 8).batches(range(3), work))


def test_another_error_is_not_taken_for_want_of_memory() -> None:
    tried = []

    def work(items: Sequence[int]) -> None:
        tried.append(len(items))
        if len(items) > 1:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        list(BatchSize(CPU, 8).batches(range(20), work))
    assert tried == [1, 8]


def test_the_first_frame_tells_how_many_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segada.evaluation.batch_size.memory_left", lambda: 40 * 2**20)

    def work(items: Sequence[int]) -> int:
        return len(torch.empty(len(items), 4 * 2**20, dtype=torch.uint8).clone())

    sizes = [size for _, size in BatchSize(CPU, 8).batches(range(9), work)]

    # A frame takes two times 4 MiB at once, and half of 40 MiB may be taken.
    assert sizes == [1, 2, 2, 2, 2]


def test_what_was_found_out_serves_the_next_items() -> None:
    size = BatchSize(CPU, 4)
    for _ in size.batches(range(3), len):
        pass

    assert [made for _, made in size.batches(range(9), len)] == [4, 4, 1]
