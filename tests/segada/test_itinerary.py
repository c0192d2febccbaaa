"""The itinerary: every frame once, in order, and no scene twice while there are others."""

from hypothesis import given
from hypothesis import strategies as st

from segada.itinerary import Itinerary
from segada.settings.stream import StreamSettings


@given(
    st.lists(st.sampled_from(["clear", "25mm", "200mm"]), min_size=1, max_size=5),
    st.none() | st.integers(1, 12),
    st.integers(1, 3),
    st.integers(1, 5),
)
def test_each_pass_of_a_visit_sees_its_frames_once_and_steps_count_on(
    visits: list[str], frames: int | None, passes: int, batch_size: int
) -> None:
    lengths = {"clear": 7, "25mm": 10, "200mm": 20}
    stream = StreamSettings(visits=tuple(visits), frames=frames, passes=passes, batch_size=batch_size)
    itinerary = Itinerary(stream, lengths)
    numbers = []
    for visit, domain in enumerate(visits):
        steps = list(itinerary.steps(visit))
        numbers += [step.number for step in steps]
        seen = [int(index) for step in steps for index in step.frames]
        count = lengths[domain] if frames is None else min(frames, lengths[domain])
        assert all(1 <= len(step.frames) <= batch_size for step in steps)
        assert seen == seen[:count] * passes
        assert len(set(seen)) == count
        assert set(seen) <= set(itinerary.needed(domain).tolist())
    assert numbers == list(range(itinerary.total_steps()))


def test_paired_domains_do_not_show_a_scene_twice_while_there_are_others() -> None:
    stream = StreamSettings(visits=("clear", "25mm", "clear"), frames=5, batch_size=2)
    itinerary = Itinerary(stream, {"clear": 15, "25mm": 15})
    seen = [int(index) for visit in range(3) for step in itinerary.steps(visit) for index in step.frames]
    assert seen == list(range(15))
