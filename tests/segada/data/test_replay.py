"""Replay: frames that are drawn, their frequency, and the state after a resume."""

import json
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segada.data.batch import Batch
from segada.data.frames import Frames
from segada.data.replay import ReplayBuffer, class_probabilities, filled_by_rare_classes
from segada.settings.stream import ReplaySettings


def numbered_frames(count: int, labels: np.ndarray | None = None) -> Frames:
    """Frames in read-only memory whose pixels all hold the frame's number."""
    images = np.empty((count, 4, 8, 3), np.uint8)
    images[:] = np.arange(count, dtype=np.uint8)[:, None, None, None]
    frames = Frames(images, np.zeros((count, 4, 8), np.uint8) if labels is None else labels)
    frames.images.setflags(write=False)
    frames.labels.setflags(write=False)
    return frames


def numbers(batch: Batch) -> list[int]:
    return (batch.images[:, 0, 0, 0] * 255).round().int().tolist()


def buffer(frames: Frames, replay: ReplaySettings, seed: int = 0) -> ReplayBuffer:
    return ReplayBuffer(frames, replay, 19, np.random.default_rng(seed))


def test_a_batch_is_a_writable_copy_in_the_engine_s_types() -> None:
    frames = numbered_frames(4)

    batch = buffer(frames, ReplaySettings()).next_batch(2)

    assert batch.images.dtype == torch.float32
    assert batch.labels.dtype == torch.int64
    assert batch.images.shape == (2, 3, 4, 8)
    assert batch.images.is_contiguous()
    batch.images.fill_(0.5)
    assert frames.images.max() == 3


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(0, 9))
def test_uniform_passes_over_every_frame_before_any_returns(count: int, sizes: list[int], seed: int) -> None:
    replay = buffer(numbered_frames(count), ReplaySettings(), seed)

    drawn = [number for size in sizes for number in numbers(replay.next_batch(size))]

    assert len(drawn) == sum(sizes)
    passes = [drawn[start : start + count] for start in range(0, len(drawn), count)]
    assert all(sorted(whole) == list(range(count)) for whole in passes[:-1])
    assert len(set(passes[-1])) == len(passes[-1])


def test_passes_come_in_different_orders() -> None:
    replay = buffer(numbered_frames(20), ReplaySettings())

    assert numbers(replay.next_batch(20)) != numbers(replay.next_batch(20))


def test_a_small_buffer_keeps_that_many_frames_from_all_over_the_source() -> None:
    replay = buffer(numbered_frames(100), ReplaySettings(size=10))

    drawn = numbers(replay.next_batch(50))

    assert len(set(drawn)) == 10
    assert max(drawn) >= 10


def test_class_probabilities_follow_the_formula() -> None:
    probabilities = class_probabilities(np.array([70, 20, 10, 0]), np.array([True, True, True, False]), 0.5)

    # exp(0.3 / 0.5), exp(0.8 / 0.5), exp(0.9 / 0.5) over their sum.
    weights = np.array([1.8221188, 4.9530324, 6.0496475])
    assert probabilities == pytest.approx([*(weights / weights.sum()), 0.0], rel=1e-6)


def rare_frames() -> Frames:
    """Frame 0: road alone; frame 1: 4 pixels of car; frame 2: 1 pixel of bus; all 32 pixels large."""
    labels = np.zeros((3, 4, 8), np.uint8)
    labels[0, 0] = 255
    labels[1, 0, :4] = 13
    labels[2, 0, :1] = 15
    return numbered_frames(3, labels)


def test_rare_class_draws_frames_as_often_as_the_formula_says() -> None:
    replay = buffer(rare_frames(), ReplaySettings(policy="rare_class", temperature=0.5, min_pixels=1))
    share = np.array([83, 4, 1]) / 88  # Road, car, bus among labelled pixels.
    weights = np.exp((1 - share) / 0.5)
    road, car, bus = weights / weights.sum()
    draws = 3000

    drawn = np.bincount(numbers(replay.next_batch(draws)), minlength=3) / draws

    # Four standard deviations of a share are below 0.037: this fails by chance less than once in 5000 seeds.
    assert drawn == pytest.approx([road / 3, road / 3 + car, road / 3 + bus], abs=0.037)


def test_frames_come_with_the_class_that_they_were_drawn_for() -> None:
    frames = rare_frames()
    rare = buffer(frames, ReplaySettings(policy="rare_class", temperature=0.5, min_pixels=1)).next_drawn(60)
    assert set(rare.classes) == {0, 13, 15}
    for number, wanted in zip(numbers(rare.batch), rare.classes, strict=True):
        assert (frames.labels[number] == wanted).any()
    assert buffer(frames, ReplaySettings()).next_drawn(5).classes == (255,) * 5


def test_rare_class_draws_no_class_that_is_too_small_everywhere() -> None:
    replay = buffer(rare_frames(), ReplaySettings(policy="rare_class", temperature=0.01, min_pixels=4))

    assert set(numbers(replay.next_batch(60))) == {1}


def test_rare_class_without_any_class_is_refused_with_the_cure() -> None:
    with pytest.raises(ValueError, match=r"min_pixels = 100 pixels of any class; lower it, or .*policy to uniform"):
        buffer(rare_frames(), ReplaySettings(policy="rare_class", min_pixels=100))


def test_a_buffer_is_filled_as_by_draws_until_there_are_enough_different_frames() -> None:
    """The plain algorithm: a class, a frame that shows it, again if the frame is already there."""
    frames = rare_frames()
    replay_settings = ReplaySettings(fill="rare_class", size=2, temperature=0.5, min_pixels=1)
    share = np.array([83, 4, 1]) / 88
    probabilities = np.exp((1 - share) / 0.5) / np.exp((1 - share) / 0.5).sum()
    showing = ([0, 1, 2], [1], [2])
    generator = np.random.default_rng(0)
    wanted, found = Counter[tuple[int, ...]](), Counter[tuple[int, ...]]()
    for seed in range(2000):
        kept = set[int]()
        while len(kept) < 2:
            kept.add(int(generator.choice(showing[generator.choice(3, p=probabilities)])))
        wanted[tuple(sorted(kept))] += 1
        found[tuple(filled_by_rare_classes(frames.labels, replay_settings, 19, np.random.default_rng(seed)))] += 1
    for pair in ((0, 1), (0, 2), (1, 2)):
        # Five standard deviations of a difference of two shares of 2000 draws are below 0.08.
        assert found[pair] / 2000 == pytest.approx(wanted[pair] / 2000, abs=0.08)


def test_a_buffer_filled_by_rare_classes_leaves_out_frequent_frames_and_ends() -> None:
    labels = np.zeros((40, 4, 8), np.uint8)
    labels[::10, 0, 0] = 15
    sharp = {"fill": "rare_class", "temperature": 0.001, "min_pixels": 1}
    rare = buffer(numbered_frames(40, labels), ReplaySettings.model_validate({**sharp, "size": 4}))
    assert set(numbers(rare.next_batch(40))) == {0, 10, 20, 30}
    # The probability of a road alone is 0 at this temperature.
    all_frames = buffer(numbered_frames(40, labels), ReplaySettings.model_validate({**sharp, "size": 100}))
    assert set(numbers(all_frames.next_batch(40))) == set(range(40))
    with pytest.raises(ValueError, match=r"min_pixels = 99 pixels of any class; lower it, or .*fill to uniform"):
        buffer(rare_frames(), ReplaySettings(fill="rare_class", min_pixels=99))


@pytest.mark.parametrize("policy", ["uniform", "rare_class"])
def test_a_buffer_goes_on_exactly_where_another_was(policy: str) -> None:
    replay_settings = ReplaySettings.model_validate({"policy": policy, "min_pixels": 1, "temperature": 0.5, "size": 2})
    first, second = buffer(rare_frames(), replay_settings), buffer(rare_frames(), replay_settings)
    first.next_batch(5)

    second.load_state_dict(json.loads(json.dumps(first.state_dict())))

    third, fourth = first.next_drawn(40), second.next_drawn(40)
    assert numbers(third.batch) == numbers(fourth.batch)
    assert third.classes == fourth.classes


@pytest.mark.parametrize(("count", "wanted"), [(3, [0, 3, 6]), (9, list(range(9))), (20, list(range(9)))])
def test_spread_frames_are_even_and_cost_no_draw(count: int, wanted: list[int]) -> None:
    replay = buffer(numbered_frames(9), ReplaySettings())
    before = replay.state_dict()

    assert [numbers(batch) for batch in replay.spread(count)] == [[number] for number in wanted]
    assert replay.state_dict() == before


def test_spread_frames_are_of_the_kept_ones() -> None:
    replay = buffer(numbered_frames(20), ReplaySettings(size=5))
    kept = {numbers(replay.next_batch(1))[0] for _ in range(5)}
    assert {numbers(batch)[0] for batch in replay.spread(5)} == kept
