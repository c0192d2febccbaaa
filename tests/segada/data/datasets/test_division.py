"""Blocks of recordings: contiguous, disjoint, with borders moved to near ends of recordings."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segada.data.datasets.division import blocks, moment, shared_out, shares_of_set
from segada.data.frames import WrongSetting
from segada.data.splits import Split

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


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=40, unique=True),
    st.lists(st.integers(0, 60), max_size=20, unique=True),
    st.tuples(*[st.integers(1, 5)] * 4),
    st.integers(0, 20),
)
def test_no_frames_of_a_film_in_two_splits_are_nearer_than_the_gap(
    first: list[int], second: list[int], weights: tuple[int, ...], gap: int
) -> None:
    keys = [f"{film}_{number:03}" for film, some in (("a", first), ("b", second)) for number in sorted(some)]
    shares = [weight / sum(weights) for weight in weights]
    whole = shared_out(keys, shares)

    divided = shared_out(keys, shares, gap)

    for (split, one), (later, other) in combinations(divided.items(), 2):
        near = [
            (key, held)
            for key in one
            for held in other
            if key[0] == held[0] and abs(int(key[2:]) - int(held[2:])) < gap
        ]
        assert not near, (split, later)
    # No frame is left out that is far from all kept frames of later splits.
    for place, (split, all_of_it) in enumerate(whole.items()):
        later_kept = [key for one in [*divided][place + 1 :] for key in divided[one]]
        for key in set(all_of_it) - set(divided[split]):
            assert any(key[0] == held[0] and abs(int(key[2:]) - int(held[2:])) < gap for held in later_kept)
    assert divided["test"] == whole["test"]


@pytest.mark.parametrize(
    ("key", "film", "number"),
    [("0016E5_07959", "0016E5_", 7959), ("a/b-0012.jpg", "a/b-", 12), ("000123", "", 123), ("film/000007", "film/", 7)],
)
def test_the_number_at_the_end_of_a_key_is_its_moment(key: str, film: str, number: int) -> None:
    assert moment(key) == (film, number)


def test_a_gap_between_frames_without_numbers_is_refused() -> None:
    with pytest.raises(WrongSetting, match="'dusk' does not end in one; write what follows") as refusal:
        shared_out(["dawn", "dusk"], (0.5, 0.0, 0.0, 0.5), 1)
    assert refusal.value.keys == ("gap",)
    assert shared_out(["dawn", "dusk"], (0.5, 0.0, 0.0, 0.5))["test"] == ["dusk"]


@pytest.mark.parametrize(("split", "expected"), [("adapt", (0.75, 0.25, 0.0, 0.0)), ("val", (0.0, 0.0, 0.5, 0.5))])
def test_two_sets_are_divided_by_their_own_shares(split: Split, expected: tuple[float, ...]) -> None:
    assert shares_of_set((0.6, 0.2, 0.1, 0.1), split) == pytest.approx(expected)
    assert shares_of_set((0.6, 0.2, 0.0, 0.0), "test") == (0.0, 0.0, 0.0, 0.0)
