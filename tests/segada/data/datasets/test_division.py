"""Blocks of recordings: contiguous, disjoint, with borders moved to near ends of recordings."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segada.data.datasets.division import blocks, shared_out

CITIES = {"aachen": 174, "bochum": 96, "bremen": 316, "cologne": 154, "darmstadt": 85, "dusseldorf": 221, "erfurt": 109}
CITIES |= {"hamburg": 248, "hanover": 196, "jena": 119, "krefeld": 99, "monchengladbach": 94, "strasbourg": 365}
CITIES |= {"stuttgart": 196, "tubingen": 144, "ulm": 95, "weimar": 142, "zurich": 122}
VAL = {"frankfurt": 267, "lindau": 59, "munster": 174}


def keys_of(groups: dict[str, int]) -> list[str]:
    return [f"{name}/{number:06}" for name, count in groups.items() for number in range(count)]


def test_the_cities_of_cityscapes() -> None:
    source, adapt = blocks(keys_of(CITIES), (0.5, 0.5))
    assert len(source) + len(adapt) == 2975
    assert {key.split("/")[0] for key in adapt} == set(list(CITIES)[8:])
    val, test = blocks(keys_of(VAL), (0.5, 0.5))
    assert {key.split("/")[0] for key in val} == {"frankfurt"}
    assert len(test) == 233
    _, last = blocks(keys_of(CITIES), (0.9, 0.1))
    assert {key.split("/")[0] for key in last} == {"weimar", "zurich"}


def test_one_recording_is_cut_at_its_middle() -> None:
    assert [len(block) for block in blocks(keys_of({"drive": 9}), (0.5, 0.5))] == [4, 5]
    assert [len(block) for block in blocks(["a", "b", "c"], (0.5, 0.5))] == [2, 1]


def test_what_shares_leave_over_serves_nothing() -> None:
    divided = shared_out(keys_of({"drive": 10}), (0.2, 0.0, 0.3, 0.1))
    assert {split: len(block) for split, block in divided.items()} == {
        "source": 2,
        "adapt": 0,
        "val": 3,
        "test": 1,
    }


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=8),
    st.lists(st.integers(0, 10), min_size=1, max_size=5).filter(any),
)
def test_blocks_are_disjoint_in_order_and_about_as_large_as_asked(counts: list[int], weights: list[int]) -> None:
    keys = keys_of({f"drive{number}": count for number, count in enumerate(counts)})
    shares = [weight / sum(weights) for weight in weights]

    divided = blocks(keys, shares)

    assert [key for block in divided for key in block] == keys
    for share, block in zip(shares, divided, strict=True):
        if share == 0:
            assert not block
        assert len(block) <= 2 * share * len(keys) + 2
        assert block or round(share * len(keys)) <= 1
    for first, second in pairwise(divided):
        assert not set(first) & set(second)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.7, 0.1, 0.1, 0.1)])
def test_no_frames_are_divided_into_none(shares: tuple[float, ...]) -> None:
    assert blocks([], shares) == [[] for _ in shares]
