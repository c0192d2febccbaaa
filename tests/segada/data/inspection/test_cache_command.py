"""`python -m segada.data cache` on the command line."""

from pathlib import Path

import pytest
from cached_process import request_of, write_files

from segada.data.__main__ import main
from segada.data.cache.frame_cache import DecodedFrames, FrameRequest, cached_frames
from segada.settings.loading import LoadingSettings


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["segada.data", "cache", *arguments])
    return main()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "segada" / "frames"


def fill(tmp_path: Path) -> DecodedFrames:
    """Two entries, of which the first stays in use."""
    request = request_of(write_files(tmp_path / "frames"), tmp_path / "decoded", bad=(12,))
    foggy = FrameRequest("test in fog", request.files, request.numbers, request.size, request.decode)
    cached_frames(foggy, LoadingSettings())
    return cached_frames(request, LoadingSettings())


def test_what_is_kept_is_listed_the_longest_unused_first(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path)
    assert run(monkeypatch) == 0
    said = capsys.readouterr().out
    assert said.index("test in fog") < said.index("│ test  ")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in said.splitlines() if "6x8" in line]
    assert rows == [[name, "6x8", "4", "1", "0.0", "0.0 h ago"] for name in ("test in fog", "test")]
    assert "0.0 MiB in 2 files" in said


def test_clearing_leaves_what_is_in_use_and_what_is_not_ours(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = fill(tmp_path)
    foreign = cache / "holiday.frames"
    foreign.touch()
    assert run(monkeypatch, "--clear") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{cache}: 1 of 2 removed, 0.0 MiB free",
        "1 are in use, or you lack the permission to remove them",
    ]
    assert found.frames.images.sum() > 0
    del found
    assert run(monkeypatch, "--clear", str(cache)) == 0
    assert list(cache.iterdir()) == [foreign]


def test_damage_is_listed_and_cleared(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path)
    for path in cache.iterdir():
        path.write_bytes(path.read_bytes()[:1000])
    assert run(monkeypatch) == 0
    assert capsys.readouterr().out.count("frames: has 1000 bytes in place of ") == 2
    assert run(monkeypatch, "--clear") == 0
    assert list(cache.iterdir()) == []


def test_an_empty_cache_and_a_folder_that_is_none(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch) == 0
    assert capsys.readouterr().out == f"{cache} holds no frames\n"
    assert run(monkeypatch, str(tmp_path / "nowhere")) == 2
    assert capsys.readouterr().err == f"error: {tmp_path / 'nowhere'}: no such folder\n"
    (tmp_path / "file").touch()
    assert run(monkeypatch, str(tmp_path / "file")) == 2
    assert "is no folder" in capsys.readouterr().err
