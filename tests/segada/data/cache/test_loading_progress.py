"""Progress of decoding: nothing for short work, and no change of the items."""

import io
import time

import pytest
from rich.console import Console

from segada.data.cache import progress
from segada.data.cache.progress import told


def test_what_is_soon_over_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(told(iter("abc"), 3, "decoding")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def test_what_takes_long_is_told_twice_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_AFTER", 0.0)
    assert list(told(iter("abc"), 3, "decoding")) == ["a", "b", "c"]
    out, error = capsys.readouterr()
    assert out == ""
    assert error.splitlines() == ["decoding: 1 of 3 in 0 s", "decoding: 3 in 0 s"]


def test_a_terminal_shows_a_bar_below_what_it_shows_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "BAR_AFTER", 0.0)
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=100)
    monkeypatch.setattr("segada.data.cache.progress.terminal", lambda: terminal)
    with terminal.status("reading"):
        for _ in told(iter("abc"), 3, "decoding"):
            # Longer than a spinner waits between two of its pictures.
            time.sleep(0.1)
    assert "decoding" in screen.getvalue()
    # Whoever stops half-way leaves no bar behind.
    next(told(iter("abc"), 3, "decoding"))
    with terminal.status("reading"):
        pass
