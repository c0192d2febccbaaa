"""Tests of Ctrl-C: the first finishes and saves the visit, the second stops at once, and the same command resumes."""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from segada import adapt, pretrain
from segada.cli.exit_codes import DONE, INTERRUPTED
from segada.core.storage_errors import StorageError
from segada.engine.runner import Run
from segada.records import VisitRecord

TINY = {"data": {"size": [32, 64], "splits": {"source": 8, "adapt": 8, "test": 4}}}
RUN = {**TINY, "stream": {"visits": ["clear", "200mm", "clear"], "frames": 4, "replay": {"size": 8}}}
TRAINING = {
    **TINY,
    "stream": {"visits": ["clear"], "rounds": 3, "split": "source", "frames": 4, "replay": {"size": 8}},
    "evaluation": {"online": False, "label_free": []},
    "model": {"checkpoint": None},
    "method": {"name": "supervised"},
}
COMMANDS = {"adapt": (adapt.main, RUN), "pretrain": (pretrain.main, TRAINING)}
Command = Callable[[], int]


@pytest.fixture(params=COMMANDS)
def command(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    main, settings = COMMANDS[request.param]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
    return lambda: _with_arguments(monkeypatch, main, "run.yaml", "--out", "out")


def _with_arguments(monkeypatch: pytest.MonkeyPatch, main: Command, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["command", *arguments])
    return main()


def _numbers(folder: Path) -> object:
    content = json.loads((folder / "report.json").read_text())
    for part in (content, *content["visits"]):
        for name in ("seconds", "frames_per_second", "peak_memory"):
            part.pop(name, None)
    return content


def _visits(folder: Path) -> int:
    path = folder / "visits.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def _in_visit(monkeypatch: pytest.MonkeyPatch, number: int, happens: Callable[[], None]) -> None:
    """Calls a function at the beginning of a visit."""
    visit = Run.next_visit

    def disturbed(run: Run) -> VisitRecord:
        if run.visits_done == number:
            happens()
        return visit(run)

    monkeypatch.setattr(Run, "next_visit", disturbed)


def _press(times: int, number: signal.Signals = signal.SIGINT) -> Callable[[], None]:
    def press() -> None:
        for _ in range(times):
            os.kill(os.getpid(), number)

    return press


def test_a_run_that_is_stopped_again_and_again_ends_as_one_that_never_was(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    stages: list[tuple[int, Callable[[], None], int]] = [
        (0, _press(1), 1),
        (1, _press(2), 1),
        (1, _press(1, signal.SIGTERM), 2),
    ]
    for visit, happens, saved in stages:
        with monkeypatch.context() as patch:
            _in_visit(patch, visit, happens)
            assert command() == INTERRUPTED
        assert _visits(tmp_path / "out") == saved
        said = capfd.readouterr().err
        assert "once more stops at once\n" in said
        assert said.splitlines()[-1].startswith("interrupted; finished visits are kept. To go on: python ")
    assert command() == DONE
    resumed = _numbers(tmp_path / "out")

    (tmp_path / "out").rename(tmp_path / "stopped")
    assert command() == DONE
    assert resumed == _numbers(tmp_path / "out")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_who_asks_in_the_last_visit_gets_the_result(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _in_visit(monkeypatch, 2, _press(1))
    assert command() == DONE
    assert (tmp_path / "out" / "report.json").exists()


def test_a_full_disk_stops_the_run_with_the_line_to_go_on(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full() -> None:
        raise StorageError("the file system at / is full (0.0 MB free): out/frames.jsonl")

    with monkeypatch.context() as patch:
        _in_visit(patch, 1, full)
        assert command() == INTERRUPTED
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith(
        "error: the file system at / is full (0.0 MB free): out/frames.jsonl; finished visits are"
    )
    assert command() == DONE
    assert _visits(tmp_path / "out") == 3
