"""Tests of the step timer: parts add up to their step, also nested ones."""

from types import SimpleNamespace

import pytest

from segada.core.timer import NULL_TIMER, StepTimer
from segada.profiling.step_time import OTHER, part_times, whole_step


class Work:
    """Work that takes a given number of seconds on a simulated clock."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    work = Work()
    monkeypatch.setattr("segada.core.timer.time", SimpleNamespace(perf_counter=lambda: work.now))
    return work


def _step(timer: StepTimer, work: Work) -> None:
    with timer.part("outside"):
        work(32.0)
    with timer.step():
        work(16.0)
        for _ in range(2):
            with timer.part("outer"):
                work(1.0)
                with timer.part("inner"):
                    work(2.0)
                work(4.0)
        with timer.part("last"):
            work(8.0)


def test_parts_are_timed_without_those_inside_them_and_only_in_steps(work: Work) -> None:
    timer = StepTimer()
    for _ in range(2):
        _step(timer, work)

    assert [step.total for step in timer.steps] == [38.0, 38.0]
    assert [dict(step.parts) for step in timer.steps] == [
        {"inner": [2.0, 2.0], "outer": [5.0, 5.0], "last": [8.0]},
    ] * 2


def test_the_rows_add_up_to_the_step(work: Work) -> None:
    timer = StepTimer()
    for _ in range(3):
        _step(timer, work)

    rows, whole = part_times(timer.steps), whole_step(timer.steps)

    # In the order in which they end; what no part names comes last.
    assert [(row.name, row.calls, row.mean) for row in rows] == [
        ("inner", 6, 4.0),
        ("outer", 6, 10.0),
        ("last", 3, 8.0),
        (OTHER, 3, 16.0),
    ]
    assert (whole.calls, whole.mean, whole.deviation) == (3, 38.0, 0.0)
    assert [row.share for row in rows] == pytest.approx([4 / 38, 10 / 38, 8 / 38, 16 / 38])


def test_a_part_that_some_steps_leave_out_counts_as_nothing_there(work: Work) -> None:
    timer = StepTimer()
    with timer.step():
        work(1.0)
    with timer.step(), timer.part("sometimes"):
        work(3.0)

    sometimes, other = part_times(timer.steps)
    assert (sometimes.calls, sometimes.mean, sometimes.deviation, sometimes.share) == (1, 1.5, 1.5, 0.75)
    assert (other.calls, other.mean, other.deviation, other.share) == (2, 0.5, 0.5, 0.25)


def test_a_gpu_is_waited_for_at_both_ends_of_every_step_and_part(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is queued when a part ends is done only once it is waited for, and belongs to that part.
    queued = [0.0]
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.synchronize", lambda: work(queued.pop() if queued else 0.0))
    timer = StepTimer()
    with timer.step():
        with timer.part("first"):
            queued.append(4.0)
        with timer.part("second"):
            work(1.0)
        queued.append(8.0)

    (step,) = timer.steps
    assert (dict(step.parts), step.total) == ({"first": [4.0], "second": [1.0]}, 13.0)


def test_a_run_that_is_not_profiled_measures_nothing() -> None:
    with NULL_TIMER.step(), NULL_TIMER.part("anything") as nothing:
        assert nothing is None
