"""Cache folder with many processes, killed writers, and a full disk."""

import errno
import fcntl
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cached_process
import pytest
from cached_process import ask, request_of, write_files

from segada.data.cache.cache_folder import CacheFolder
from segada.data.cache.frame_cache import FrameRequest, cached_frames
from segada.settings.loading import LoadingSettings


def start(folder: Path, cache: Path, decoded: Path, pause: float) -> subprocess.Popen[str]:
    command = [sys.executable, cached_process.__file__, str(folder), str(cache), str(decoded), str(pause)]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for_lines(path: Path, count: int) -> None:
    while not path.exists() or len(path.read_text().splitlines()) < count:
        time.sleep(0.01)


def total(folder: Path, tmp_path: Path) -> int:
    frames = cached_frames(request_of(folder, tmp_path / "other"), LoadingSettings(cache=None)).frames
    return int(frames.images.sum()) + int(frames.labels.sum())


def test_eight_processes_on_a_cold_disk_decode_every_frame_once(tmp_path: Path) -> None:
    folder, decoded = write_files(tmp_path / "frames", 20), tmp_path / "decoded"
    asked = (folder, tmp_path / "cache", decoded, 0.1)
    forking = multiprocessing.get_context("forkserver")
    # What takes longest at the start of a process happens once.
    forking.set_forkserver_preload(["segada.data.cache.frame_cache"])
    with forking.Pool(8) as processes:
        answers = processes.starmap(ask, [asked] * 8, chunksize=1)
    assert answers == [total(folder, tmp_path)] * 8
    lines = [line.split() for line in decoded.read_text().splitlines()]
    assert [int(number) for number, _ in lines] == list(range(10, 30))
    assert len({process for _, process in lines}) == 1
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".frames"]


def test_a_builder_that_is_killed_holds_up_nobody(tmp_path: Path) -> None:
    folder, decoded, cache = write_files(tmp_path / "frames", 20), tmp_path / "decoded", tmp_path / "cache"
    builder = start(folder, cache, decoded, 1.0)
    wait_for_lines(decoded, 2)
    waiting = start(folder, cache, tmp_path / "again", 0.0)
    assert waiting.stderr is not None
    assert waiting.stderr.readline().startswith("another process decodes the same frames; waiting for it (")
    assert not (tmp_path / "again").exists()
    builder.send_signal(signal.SIGKILL)
    builder.communicate()
    output, _ = waiting.communicate(timeout=30)
    assert int(output) == total(folder, tmp_path)
    assert len((tmp_path / "again").read_text().splitlines()) == 20
    assert [path.suffix for path in cache.iterdir()] == [".frames"]


def test_the_longest_unused_goes_when_room_is_needed_but_nothing_that_is_in_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache, request = tmp_path / "cache", request_of(write_files(tmp_path / "frames"), tmp_path / "decoded")
    # An entry takes two blocks of 4096 bytes: the page before the frames, and the frames with what is said of them.
    loading = LoadingSettings(cache=str(cache), cache_limit=3.2 * 2 * 4096 / 2**30)

    def ask(name: str) -> object:
        return cached_frames(FrameRequest(name, request.files, request.numbers, request.size, request.decode), loading)

    def names() -> set[str]:
        return {stored.path.name for stored in CacheFolder(cache, 0).entries()}

    first = ask("first")
    kept = names()
    ask("second")
    (second,) = names() - kept
    ask("third")
    for used, name in enumerate((*kept, second), start=1):
        os.utime(cache / name, (used, used))
    ask("fourth")
    assert kept < names()
    assert second not in names()
    assert len(names()) == 3
    del first
    assert capsys.readouterr().err == ""
    held = [ask("fourth"), ask("fifth"), ask("sixth")]
    before = names()
    unkept = ask("seventh")
    assert names() == before
    assert "(data.loading.cache_limit)" in capsys.readouterr().err
    del held, unkept


def test_what_a_killed_process_left_goes_but_not_what_is_being_written(tmp_path: Path) -> None:
    folder, keys = CacheFolder(tmp_path, 2**40), ("a" * 32, "b" * 32)
    left, written = (tmp_path / f"{key}.x.draft" for key in keys)
    foreign = tmp_path / "film.draft"
    for path in (left, written, foreign):
        path.touch()
    with folder.alone(keys[1]):
        folder.remove_drafts()
        assert (left.exists(), written.exists()) == (False, True)
    folder.remove_drafts()
    assert list(tmp_path.iterdir()) == [foreign]


def test_where_the_file_system_knows_no_locks_frames_are_cached_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: object, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    request = request_of(write_files(tmp_path / "frames"), tmp_path / "decoded")
    for _ in range(2):
        cached_frames(request, LoadingSettings(cache=str(tmp_path / "cache")))
    assert len((tmp_path / "decoded").read_text().splitlines()) == 5
