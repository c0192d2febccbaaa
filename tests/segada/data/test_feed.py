"""Batches prepared ahead equal those made on request, in any order of requests."""

from pathlib import Path

import numpy as np
import pytest
import torch

from segada.data import feed
from segada.data.batch import Batch, to_batch
from segada.data.feed import Feed, fed
from segada.data.frames import Frames
from segada.data.replay import ReplayBuffer
from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Run
from segada.settings import RunSettings
from segada.settings.stream import ReplaySettings

CPU = torch.device("cpu")


@pytest.fixture
def frames() -> Frames:
    generator = np.random.default_rng(0)
    return Frames(
        generator.integers(0, 256, (12, 4, 8, 3), np.uint8), generator.integers(0, 19, (12, 4, 8)).astype(np.uint8)
    )


@pytest.fixture(params=[False, True], ids=["when asked for", "ahead"])
def ahead(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(feed, "makes_ahead", lambda _: request.param)
    return bool(request.param)


def assert_equal(found: Batch, expected: Batch) -> None:
    torch.testing.assert_close(found.images, expected.images, rtol=0, atol=0)
    torch.testing.assert_close(found.labels, expected.labels, rtol=0, atol=0)


def test_only_a_gpu_is_fed_ahead() -> None:
    assert [feed.makes_ahead(torch.device(name)) for name in ("cpu", "cuda")] == [False, True]


def test_a_wrong_guess_changes_nothing(frames: Frames, ahead: bool) -> None:
    supplier = Feed(frames, CPU)
    asked = [(3, 4), (5, 6), (0, 1), (0, 1), (7, 7)]
    guesses = [(5, 6), (2, 2), (0, 1), (7, 7), None]
    for now, guess in zip(asked, guesses, strict=True):
        following = None if guess is None else np.array(guess)
        assert_equal(supplier.batch(np.array(now), following), to_batch(frames, np.array(now)))


def test_every_batch_comes_once_in_order(frames: Frames, ahead: bool) -> None:
    indices = [np.array([3]), np.array([1, 2]), np.array([0, 11, 5])]
    for found, wanted in zip(fed(frames, indices, CPU), indices, strict=True):
        assert_equal(found, to_batch(frames, wanted))
    assert list(fed(frames, [], CPU)) == []


def test_a_buffer_replays_the_same_frames_and_resumes_the_same(frames: Frames, ahead: bool) -> None:
    def buffer() -> ReplayBuffer:
        return ReplayBuffer(frames, ReplaySettings(), 19, np.random.default_rng(3))

    expected = np.random.default_rng(3)
    kept = np.sort(expected.permutation(12))
    dealt = np.concatenate([expected.permutation(kept) for _ in range(4)])
    replayed, resumed = buffer(), buffer()
    for begin in range(0, 40, 4):
        assert_equal(replayed.next_batch(4), to_batch(frames, dealt[begin : begin + 4]))
        resumed.load_state_dict(replayed.state_dict())
    assert [index for index, _ in resumed.state_dict()["due"]] == dealt[40:48].tolist()
    # Consolidation looks at frames in between, and a last batch may be smaller.
    assert len(list(replayed.spread(3))) == 3
    assert_equal(replayed.next_batch(3), to_batch(frames, dealt[40:43]))
    assert_equal(resumed.next_batch(3), to_batch(frames, dealt[40:43]))


@pytest.fixture(scope="module")
def settings(tiny_run: dict[str, object]) -> RunSettings:
    return RunSettings.model_validate({**tiny_run, "method": {"pseudo_threshold": 0.1}})


@pytest.fixture(scope="module")
def run_data(settings: RunSettings) -> RunData:
    return prepare_data(settings)


@pytest.fixture(scope="module")
def control(settings: RunSettings, run_data: RunData, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("control")
    return _weights(Run(settings, run_data, folder), folder)


def _weights(run: Run, folder: Path) -> bytes:
    while not run.finished:
        run.next_visit()
    return (folder / "weights.safetensors").read_bytes() + (folder / "areas.npz").read_bytes()


def test_a_run_has_the_same_numbers(
    settings: RunSettings, run_data: RunData, control: bytes, tmp_path: Path, ahead: bool
) -> None:
    assert _weights(Run(settings, run_data, tmp_path), tmp_path) == control
