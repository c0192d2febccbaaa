"""RoTTA's memory against the rule in words, and the weights of timeliness."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from segada.selftraining.frame_memory import FrameMemory, timeliness_weights

CLASSES = 3
Frame = tuple[int, float]
"""Number of a frame's only class, and its entropy."""


def _score(age: int, entropy: float, capacity: int) -> float:
    return 0.7 / (1 + math.exp(-age / capacity)) + 1.3 * entropy / math.log(CLASSES)


def _plain(frames: list[Frame], capacity: int) -> list[tuple[int, float, int]]:
    """Returns class, entropy and age of what is left, by class."""
    kept: list[list[list[float]]] = [[] for _ in range(CLASSES)]
    for category, entropy in frames:
        sizes = [len(items) for items in kept]
        crowded = sizes[category] >= capacity / CLASSES
        if crowded or sum(sizes) >= capacity:
            rivals = [category] if crowded else [one for one in range(CLASSES) if sizes[one] == max(sizes)]
            scores = [
                (_score(int(age), e, capacity), one, place)
                for one in rivals
                for place, (e, age) in enumerate(kept[one])
            ]
            worst, one, place = max(scores)
            if worst > _score(0, entropy, capacity):
                del kept[one][place]
                kept[category].append([entropy, 0])
        else:
            kept[category].append([entropy, 0])
        for items in kept:
            for item in items:
                item[1] += 1
    return [(category, e, int(age)) for category, items in enumerate(kept) for e, age in items]


@given(
    st.lists(st.tuples(st.integers(0, CLASSES - 1), st.floats(0.0, 1.0)), min_size=1, max_size=40), st.integers(1, 7)
)
def test_frames_are_kept_as_the_rule_says(frames: list[Frame], capacity: int) -> None:
    memory = FrameMemory(capacity, CLASSES, 0.7, 1.3)
    for category, entropy in frames:
        memory.add(torch.zeros(3, 1, 1), [float(one == category) for one in range(CLASSES)], entropy)
    found = [(category, item.entropy, item.age) for category, items in enumerate(memory.items) for item in items]
    assert found == _plain(frames, capacity)
    assert 1 <= len(found) <= capacity


def test_a_frame_of_several_classes_is_of_the_class_that_the_memory_lacks() -> None:
    memory = FrameMemory(9, CLASSES, 1.0, 1.0)
    for shares in ([0.9, 0.1, 0.0], [0.9, 0.1, 0.0], [0.5, 0.495, 0.005], [0.98, 0.01, 0.01]):
        memory.add(torch.zeros(3, 1, 1), shares, 0.1)
    # The third shows class 2 on too few pixels; the first two fill classes 0 and 1.
    assert [len(items) for items in memory.items] == [2, 1, 1]


def test_a_state_restores_the_frames() -> None:
    memory, other = FrameMemory(4, CLASSES, 1.0, 1.0), FrameMemory(4, CLASSES, 1.0, 1.0)
    for number in range(6):
        memory.add(torch.full((3, 1, 1), float(number)), [float(number % 3 == one) for one in range(3)], 0.1 * number)
    other.load_state_dict(memory.state_dict())
    ours, theirs = memory.frames(), other.frames()
    assert torch.equal(torch.stack(ours[0]), torch.stack(theirs[0]))
    assert ours[1] == theirs[1]


def test_newer_frames_weigh_more() -> None:
    ages = [0.0, 0.5, 2.0]
    weights = timeliness_weights(ages).tolist()
    assert weights == pytest.approx([math.exp(-age) / (1 + math.exp(-age)) for age in ages])
    assert weights[0] == 0.5
