"""Tests of the memory measurement of a run on a short but otherwise equal run."""

import pytest

from segada.engine.gpu_memory import STEPS, Footprint, _short, footprint
from segada.settings import RunSettings


@pytest.fixture
def settings(tiny_run: dict[str, object]) -> RunSettings:
    return RunSettings.model_validate({**tiny_run, "stream": {"visits": ["clear", "200mm"], "frames": 16}})


def test_what_is_not_free_at_the_end_is_the_runs(settings: RunSettings) -> None:
    asked = []

    def memory() -> tuple[int, int]:
        asked.append(1)
        return 3_000, 10_000

    assert footprint(settings, memory) == Footprint(used=7_000, total=10_000)
    assert len(asked) == 1


def test_the_run_is_short_and_takes_as_much_in_a_step(settings: RunSettings) -> None:
    short = _short(settings)
    assert short.stream.frames == STEPS * settings.stream.batch_size
    assert (short.stream.batch_size, short.data.size, short.method) == (
        settings.stream.batch_size,
        settings.data.size,
        settings.method,
    )
    assert short.data.splits.source == settings.stream.batch_size
    assert short.model.checkpoint is None
    assert _short(short) == short
