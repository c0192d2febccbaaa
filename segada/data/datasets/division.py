"""Division of a recorded data set's frames into splits that share no frame."""

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

from segada.data.splits import Split

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


def shared_out(keys: Sequence[str], shares: Sequence[float], group: Group = folder) -> dict[Split, list[str]]:
    """Returns the keys of each split, as blocks in the order source, adapt, val, test."""
    source, adapt, val, test = blocks(keys, shares, group)
    return {"source": source, "adapt": adapt, "val": val, "test": test}
