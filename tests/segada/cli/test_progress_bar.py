"""Tests of the estimated remaining time of a run."""

import io

import pytest
from rich.console import Console

from segada.cli.progress_bar import ProgressBar, duration


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_time_left_is_by_the_pace_of_this_session() -> None:
    hands = Hands()
    bar = ProgressBar(Console(quiet=True), 50, hands)
    hands.seconds = 1000.0
    with bar.shown(20):
        assert bar.left() == ""
        for _ in range(10):
            with bar.step():
                hands.seconds += 3.0
        # Ten of thirty steps in 30 s; evaluations between them count.
        hands.seconds += 30.0
        assert bar.left() == "about 2 min left"
        for _ in range(20):
            with bar.step():
                pass
        assert bar.left() == ""


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (59.0, "59 s"), (60.0, "1 min"), (3599.0, "60 min"), (9000.0, "2.5 h")]
)
def test_durations_are_said_in_the_unit_that_suits_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_terminal_sees_a_bar_and_a_file_does_not() -> None:
    seen = {}
    for terminal in (True, False):
        file = io.StringIO()
        bar = ProgressBar(Console(file=file, force_terminal=terminal, width=80), 2)
        with bar.shown(0):
            bar.visit("visit 1 of 1: clear")
            with bar.step():
                pass
        seen[terminal] = file.getvalue()
    assert "visit 1 of 1: clear" in seen[True]
    assert seen[False].strip() == ""
