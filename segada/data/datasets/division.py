"""Division of a recorded data set's frames into splits that share no frame."""

import re
from bisect import bisect_left, insort
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Final

from segada.data.frames import WrongSetting
from segada.data.splits import Split

NUMBERED: Final = re.compile(r"(.*?)([0-9]+)(?:\.[A-Za-z]\w*)?")
"""Key that ends in a number, possibly before the suffix of a file."""

Group = Callable[[str], str]
"""Function from a frame's key to the recording that it belongs to: a city, a drive."""


def folder(key: str) -> str:
    """Returns the recording of a key such as `aachen/aachen_000000_000019`: its folder."""
    return key.rpartition("/")[0]


def blocks(keys: Sequence[str], shares: Sequence[float], group: Group = folder) -> list[list[str]]:
    """Returns contiguous blocks of these shares: neighboring frames look alike and must be in the same split.

    Where a recording ends near the border of two blocks, the border is moved there: by less than half of the smaller of
    the two. If the shares do not add up to 1, the rest is in no block.

    Args:
        keys: Keys in the order of the recording, those of a group together.
        shares: Shares of all keys.
        group: Function that returns the group of a key.
    """
    wanted = [round(share * len(keys)) for share in accumulate((0.0, *shares))]
    ends = [place for place in range(1, len(keys)) if group(keys[place - 1]) != group(keys[place])]
    borders = [0, *(_moved(*three, ends) for three in zip(wanted, wanted[1:], wanted[2:], strict=False)), wanted[-1]]
    return [list(keys[begin:end]) for begin, end in pairwise(borders)]


def _moved(before: int, border: int, after: int, ends: Sequence[int]) -> int:
    reach = min(border - before, after - border)
    near = [end for end in ends if 2 * abs(end - border) < reach]
    return min(near, key=lambda end: abs(end - border), default=border)


def shared_out(keys: Sequence[str], shares: Sequence[float], gap: int = 0) -> dict[Split, list[str]]:
    """Returns the keys of each split, as blocks in the order source, adapt, val, test, with a gap as in `apart`."""
    source, adapt, val, test = blocks(keys, shares)
    return apart({"source": source, "adapt": adapt, "val": val, "test": test}, gap)


def shares_of_set(shares: Sequence[float], split: Split) -> tuple[float, ...]:
    """Returns the shares of that of two sets, source and adapt or val and test, which a split is a part of."""
    in_set = [share if (place > 1) == (split in ("val", "test")) else 0.0 for place, share in enumerate(shares)]
    whole = sum(in_set)
    return tuple(share / whole if whole else 0.0 for share in in_set)


def apart(divided: Mapping[Split, Sequence[str]], gap: int) -> dict[Split, list[str]]:
    """Returns the keys of each split without those that are too near to a split after it.

    The number at the end of a key is the place of the frame in its film; keys with the same text before it are of one
    film. Splits that are scored come last, and keep their frames.

    Args:
        divided: Keys of each split, in the order source, adapt, val, test.
        gap: Least difference between numbers of frames of one film in different splits; 0 keeps all keys.

    Raises:
        WrongSetting: There is a gap, and a key does not end in a number.
    """
    if gap == 0:
        return {split: list(keys) for split, keys in divided.items()}
    taken: dict[str, list[int]] = {}
    kept: dict[Split, list[str]] = {}
    for split in reversed(list(divided)):
        kept[split] = [key for key in divided[split] if _is_far(key, taken, gap)]
        for film, number in map(moment, kept[split]):
            insort(taken.setdefault(film, []), number)
    return {split: kept[split] for split in divided}


def moment(key: str) -> tuple[str, int]:
    """Returns the film of a key and the place of the frame in it: the text before the number at its end, the number.

    Raises:
        WrongSetting: The key does not end in a number.
    """
    match = NUMBERED.fullmatch(key)
    if match is None:
        raise WrongSetting(
            f"gap needs the number of each frame in its film at the end of what tells files apart, but {key!r} does "
            "not end in one; write what follows the number into the pattern, or set gap to 0",
            "gap",
        )
    return match[1], int(match[2])


def _is_far(key: str, taken: Mapping[str, Sequence[int]], gap: int) -> bool:
    film, number = moment(key)
    numbers = taken.get(film, ())
    place = bisect_left(numbers, number)
    return all(abs(number - other) >= gap for other in numbers[max(place - 1, 0) : place + 1])
