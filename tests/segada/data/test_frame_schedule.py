"""Frame schedule: every frame once per pass, in order, along the route, no scene repeated before all are used."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segada.data.frame_schedule import FrameSchedule
from segada.settings.stream import StreamSettings

LENGTHS = {"clear": 7, "25mm": 10, "200mm": 20}
RAIN = ("clear", "25mm", "50mm", "75mm", "100mm", "200mm")
ROUTES: tuple[Literal["forward", "forward_and_back"], ...] = ("forward", "forward_and_back")


def test_forward_and_back_turns_round_at_the_last_domain_and_rounds_repeat_it() -> None:
    there_and_back = (*RAIN, "100mm", "75mm", "50mm", "25mm", "clear")
    assert len(there_and_back) == 11
    assert StreamSettings(visits=RAIN, route="forward_and_back").all_visits() == there_and_back
    assert StreamSettings(visits=RAIN, route="forward_and_back", rounds=3).all_visits() == there_and_back * 3
    assert StreamSettings(visits=RAIN, rounds=2).all_visits() == RAIN * 2
    with pytest.raises(ValueError, match="from which there is no way back"):
        StreamSettings(visits=("clear",), route="forward_and_back")


@given(
    st.lists(st.sampled_from(sorted(LENGTHS)), min_size=2, max_size=4),
    st.sampled_from(ROUTES),
    st.integers(1, 3),
    st.none() | st.integers(1, 12),
    st.integers(1, 3),
    st.integers(1, 5),
)
def test_each_pass_of_a_visit_sees_its_frames_once_and_steps_count_on(
    visits: list[str],
    route: Literal["forward", "forward_and_back"],
    rounds: int,
    frames: int | None,
    passes: int,
    batch_size: int,
) -> None:
    stream = StreamSettings(
        visits=tuple(visits), route=route, rounds=rounds, frames=frames, passes=passes, batch_size=batch_size
    )
    schedule = FrameSchedule(stream, LENGTHS)
    back = [] if route == "forward" else list(reversed(visits))[1:]
    numbers, driven = [], 0
    needed: dict[str, set[int]] = {domain: set() for domain in visits}
    for visit, domain in enumerate((visits + back) * rounds):
        steps = list(schedule.steps(visit))
        numbers += [step.number for step in steps]
        count = LENGTHS[domain] if frames is None else min(frames, LENGTHS[domain])
        expected = [(driven + place) % LENGTHS[domain] for place in range(count)]
        driven += count
        needed[domain] |= set(expected)
        seen = [step.frames.tolist() for step in steps]
        assert [number for batch in seen for number in batch] == expected * passes
        full, rest = divmod(count, batch_size)
        assert [len(batch) for batch in seen] == ([batch_size] * full + [rest] * (rest > 0)) * passes
        assert len(set(expected)) == count
    assert numbers == list(range(schedule.total_steps()))
    assert {domain: schedule.needed(domain).tolist() for domain in needed} == {
        domain: sorted(frames) for domain, frames in needed.items()
    }


def test_paired_domains_do_not_show_a_scene_twice_while_there_are_others() -> None:
    stream = StreamSettings(visits=("clear", "25mm"), route="forward_and_back", frames=5, batch_size=2)
    schedule = FrameSchedule(stream, {"clear": 15, "25mm": 15})
    seen = [int(index) for visit in range(3) for step in schedule.steps(visit) for index in step.frames]
    assert seen == list(range(15))
