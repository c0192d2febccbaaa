"""Tests of the progress of an evaluation."""

import io

from rich.console import Console

from segada.evaluation.progress import frame_progress


def test_the_name_of_a_domain_is_shown_as_text() -> None:
    screen = io.StringIO()
    with frame_progress(Console(file=screen, force_terminal=True, width=120)) as progress:
        progress.begin("[/d]\x1b[2J", 4)
        progress.add(4)
    assert r"[/d]\x1b[2J" in screen.getvalue()
