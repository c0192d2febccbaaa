"""Streams without an end: adapted to as frames come, stopped, killed and continued without losing one."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from published_trees import ids, picture, write
from safetensors.torch import load_file

from segada.adapt import main
from segada.cli.console import PlainConsole
from segada.cli.signals import Asked, never
from segada.data.__main__ import main as data_main
from segada.engine.followed_stream import StreamEnded
from segada.engine.runner import Run
from segada.engine.session import adapt, run
from segada.settings import RunSettings
from segada.settings.files import load_run_settings

SETTINGS = """
data:
  size: [32, 64]
  root: {root}
  loading: {{cache: null}}
  domains:
    camera: {{dataset: folders, images: "cam/*.png", labels: null, shares: [0, 1, 0, 0]}}
    day: {{dataset: folders, images: "day/rgb/*.png", labels: "day/ids/*.png"}}
stream: {{source: null, visits: [camera], frames: null, batch_size: 2}}
evaluation: {{split: val}}
model: {{encoder: mit_tiny, checkpoint: null}}
method: {{name: tent, optimizer: {{lr: 1.0e-3}}}}
"""
FOLLOWED = {"stream.follow": {"idle_minutes": 0.001}}
AT_ONCE = {"stream.follow": {"idle_minutes": 0.001, "checkpoint_minutes": 1e-9}}
"""A checkpoint after each step."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    for number in range(8):
        _arrive(tmp_path, number)
    (tmp_path / "run.yaml").write_text(SETTINGS.format(root=tmp_path), encoding="utf-8")
    return tmp_path / "run.yaml"


def _arrive(root: Path, number: int) -> None:
    path = root / "cam" / f"{number}.png"
    write(path, picture(number))
    os.utime(path, (1.0, 1.0))


def _settings(file: Path, changes: dict[str, object]) -> RunSettings:
    return load_run_settings(file, changes)


def _adapt(settings: RunSettings, out: Path, asked: Asked = never) -> list[int]:
    """Runs until the end or until it is asked to stop; returns the frames of each visit."""
    with contextlib.suppress(KeyboardInterrupt):
        adapt(settings, out, PlainConsole(quiet=True), asked)
    lines = (out / "visits.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["frames"] for line in lines]


def _weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "weights.safetensors")


def _assert_same(one: Path, other: Path) -> None:
    first, second = _weights(one), _weights(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture
def planned(file: Path, tmp_path: Path) -> Path:
    """The same frames in a run that has an end."""
    run(_settings(file, {}), tmp_path / "planned")
    return tmp_path / "planned"


def test_what_arrives_is_learned_as_frames_that_were_there(file: Path, tmp_path: Path, planned: Path) -> None:
    assert _adapt(_settings(file, FOLLOWED), tmp_path / "followed") == [8]

    _assert_same(tmp_path / "followed", planned)


def test_a_run_that_ended_goes_on_with_what_has_come_since(file: Path, tmp_path: Path, planned: Path) -> None:
    later = [tmp_path / "cam" / f"{number}.png" for number in range(4, 8)]
    for path in later:
        shutil.move(path, tmp_path / path.name)
    settings = _settings(file, FOLLOWED)
    assert _adapt(settings, tmp_path / "followed") == [4]
    for path in later:
        shutil.move(tmp_path / path.name, path)

    assert _adapt(settings, tmp_path / "followed") == [4, 4]
    # Without new frames nothing changes.
    assert _adapt(settings, tmp_path / "followed") == [4, 4]
    _assert_same(tmp_path / "followed", planned)


def _after(calls: int) -> Asked:
    left = iter(range(calls))
    return lambda: next(left, None) is None


@pytest.mark.parametrize("calls", [1, 2, 4])
def test_a_run_that_is_stopped_loses_nothing(file: Path, tmp_path: Path, planned: Path, calls: int) -> None:
    settings = _settings(file, FOLLOWED)
    asked = _after(calls)
    if calls == 1:
        # Stopped before a frame was taken.
        with pytest.raises(KeyboardInterrupt):
            adapt(settings, tmp_path / "followed", PlainConsole(quiet=True), asked)
    else:
        assert sum(_adapt(settings, tmp_path / "followed", asked)) < 8

    assert sum(_adapt(settings, tmp_path / "followed")) == 8
    _assert_same(tmp_path / "followed", planned)


def test_a_run_that_is_killed_continues_after_its_checkpoint(file: Path, tmp_path: Path, planned: Path) -> None:
    settings = _settings(file, AT_ONCE)
    first = Run(settings, out=tmp_path / "followed")
    assert first.next_visit().frames == 2
    steps = first.stream.steps(1, torch.device("cpu"))
    # Taken by the process, and lost with it.
    next(steps)

    assert _adapt(settings, tmp_path / "followed") == [2, 2, 2, 2]
    _assert_same(tmp_path / "followed", planned)


def test_a_labelled_domain_is_scored_at_each_checkpoint(file: Path, tmp_path: Path) -> None:
    for number in range(10):
        write(tmp_path / "day" / "rgb" / f"{number}.png", picture(100 + number))
        write(tmp_path / "day" / "ids" / f"{number}.png", ids(number, (0, 1, 2, 8, 10, 13, 18, 255)))
    report = run(_settings(file, {**AT_ONCE, "evaluation.domains": ["day"]}), tmp_path / "followed")

    assert [visit.miou.keys() for visit in report.visits] == [{"day"}] * 4
    assert report.unscored == ("camera",)


def test_a_bad_file_is_left_out_and_said(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cam" / "3.png").write_bytes(b"no picture")
    os.utime(tmp_path / "cam" / "3.png", (1.0, 1.0))

    report = run(_settings(file, FOLLOWED), tmp_path / "followed")

    assert report.visits[0].frames == 7
    assert report.unreadable_frames == {"camera": 1}
    assert "left out: " in (tmp_path / "followed" / "log.txt").read_text(encoding="utf-8")
    assert "3.png is not an image that can be read" in capsys.readouterr().err


def test_names_through_a_pipe(file: Path, tmp_path: Path, planned: Path) -> None:
    os.mkfifo(tmp_path / "names")
    writer = os.open(tmp_path / "names", os.O_RDWR)
    follow = {"names": str(tmp_path / "names"), "idle_minutes": 0.05}
    settings = _settings(file, {"stream.follow": follow})
    os.write(writer, b"".join(b"cam/%d.png\n" % number for number in range(3)))

    # A third name has no second for its batch: it waits in the checkpoint.
    assert _adapt(settings, tmp_path / "followed", _after(3)) == [2]
    os.write(writer, b"".join(b"cam/%d.png\n" % number for number in range(3, 8)))

    assert _adapt(settings, tmp_path / "followed") == [2, 6]
    os.close(writer)
    _assert_same(tmp_path / "followed", planned)


def test_a_stream_that_ends_between_two_checkpoints_is_reported(file: Path, tmp_path: Path) -> None:
    settings = _settings(file, AT_ONCE)
    followed = Run(settings, out=tmp_path / "followed")
    for _ in range(4):
        followed.next_visit()
    assert not (tmp_path / "followed" / "report.json").exists()

    with pytest.raises(StreamEnded):
        followed.next_visit()

    assert followed.finished
    assert (tmp_path / "followed" / "report.json").exists()


def test_ctrl_c_ends_a_run_that_waits(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "followed"
    command = [sys.executable, "-m", "segada.adapt", str(file), "--out", str(out)]
    waiting = ["--cfg-options", "stream.follow={checkpoint_minutes: 60}", "logging.frames=true"]
    steps = out / "frames.jsonl"
    with subprocess.Popen([*command, *waiting], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        _until(lambda: steps.exists() and len(steps.read_text(encoding="utf-8").splitlines()) == 4)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=120)

    assert process.returncode == 3
    assert "Traceback" not in error
    assert json.loads((out / "visits.jsonl").read_text(encoding="utf-8"))["frames"] == 8


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["stream.frames=4"], "stream.frames is 4, and the stream has no end; set stream.frames to null"),
        (["stream.visits=[camera,day]"], "stream.visits names 2 domains, and the first has no end"),
        (["stream.visits=[day]"], "'day' is not dataset: folders with labels: null"),
        (["controller.name=poly"], "controller.name is 'poly', a schedule over the whole stream"),
        (["data.domains.camera.weather=50mm"], "is not rendered onto frames that arrive; set it to clear"),
        (["stream.follow.names=absent"], "absent is no named pipe; make one: mkfifo absent"),
        (["data.root=/absent"], "there is no folder /absent"),
        (["data.domains.camera.images=none/*.png"], "no frame came before the stream ended"),
    ],
)
def test_what_cannot_be_followed_is_refused(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: list[str], said: str
) -> None:
    options = ["--cfg-options", "stream.follow={idle_minutes: 0.001}", *changes]

    assert main([str(file), "--out", str(tmp_path / "followed"), *options]) == 2

    error = capsys.readouterr().err.replace("controller.name: is", "controller.name is")
    assert said in error
    assert len(error.splitlines()) == 1


def test_the_check_of_the_data_needs_no_frame_yet(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(tmp_path / "cam")

    assert data_main(["check", str(file), "--set", "stream.follow={}"]) == 0
    assert "problem" not in capsys.readouterr().out
