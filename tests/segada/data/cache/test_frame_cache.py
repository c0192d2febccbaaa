"""Frames are decoded once, and are correct after damage, full disks and concurrent use."""

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from cached_process import request_of, write_files

from segada.data.cache import cache_folder
from segada.data.cache.frame_cache import DecodedFrames, FrameRequest, cached_frames
from segada.settings.loading import LoadingSettings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "frames")


@pytest.fixture
def cached(tmp_path: Path) -> LoadingSettings:
    return LoadingSettings(cache=str(tmp_path / "cache"), workers=0)


@pytest.fixture
def decoded(tmp_path: Path) -> Path:
    """A file with a line for every frame that was decoded."""
    return tmp_path / "decoded"


def count(decoded: Path) -> int:
    return len(decoded.read_text().splitlines()) if decoded.exists() else 0


def entry(loading: LoadingSettings) -> Path:
    (found,) = Path(str(loading.cache)).glob("*.frames")
    return found


def assert_are_frames_of(found: DecodedFrames, request: FrameRequest, numbers: list[int]) -> None:
    assert found.numbers.tolist() == numbers
    assert len(found.frames) == len(numbers)
    for place, number in enumerate(numbers):
        image, labels = request.decode(number)
        np.testing.assert_array_equal(found.frames.images[place], image)
        np.testing.assert_array_equal(found.frames.labels[place], labels)


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("kept", [True, False])
def test_frames_are_those_of_decode_without_the_unreadable_ones(
    folder: Path, tmp_path: Path, decoded: Path, workers: int, kept: bool
) -> None:
    request = request_of(folder, decoded, bad=(11, 14))
    loading = LoadingSettings(cache=str(tmp_path / "cache") if kept else None, workers=workers)
    for _ in range(2):
        found = cached_frames(request, loading)
        assert [(frame.number, frame.path) for frame in found.unreadable] == [
            (11, folder / "1.txt"),
            (14, folder / "4.txt"),
        ]
        assert {frame.reason for frame in found.unreadable} == {"is cut off; copy it anew"}
    assert count(decoded) == (5 if kept else 10)
    assert_are_frames_of(found, request, [10, 12, 13])


def test_the_same_bytes_are_kept_whatever_the_number_of_workers(folder: Path, tmp_path: Path, decoded: Path) -> None:
    request = request_of(folder, decoded, bad=(12,))
    contents = set()
    for workers in (0, 1, 2):
        loading = LoadingSettings(cache=str(tmp_path / f"cache{workers}"), workers=workers)
        cached_frames(request, loading)
        contents.add(entry(loading).read_bytes())
    assert len(contents) == 1


@pytest.mark.parametrize("kept", [True, False])
def test_frames_cannot_be_written_to(folder: Path, cached: LoadingSettings, decoded: Path, kept: bool) -> None:
    loading = cached if kept else LoadingSettings(cache=None)
    frames = cached_frames(request_of(folder, decoded), loading).frames
    for array in (frames.images, frames.labels):
        assert array.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_cache_below_a_folder_that_may_not_be_read_is_not_used(
    folder: Path,
    cached: LoadingSettings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exists = Path.exists

    def denied(path: Path, *_: object, **__: object) -> bool:
        if path.is_relative_to(tmp_path / "cache"):
            raise PermissionError(13, "Permission denied", str(path))
        return exists(path)

    monkeypatch.setattr(Path, "exists", denied)
    monkeypatch.setattr(Path, "mkdir", denied)
    assert len(cached_frames(request_of(folder, tmp_path / "decoded"), cached).frames) == 5
    assert "are decoded into memory, not cached: " in capsys.readouterr().err


def test_nothing_readable_is_no_frames(folder: Path, cached: LoadingSettings, decoded: Path) -> None:
    request = request_of(folder, decoded, bad=(10, 11, 12, 13, 14))
    for _ in range(2):
        found = cached_frames(request, cached)
        assert (len(found.frames), len(found.unreadable)) == (0, 5)
        assert found.frames.images.shape == (0, 6, 8, 3)
    assert count(decoded) == 5


def _truncated(content: bytes) -> bytes:
    return content[:-1]


def _halved(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _flipped(place: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "one byte short": (_truncated, "bytes in place of"),
    "truncated": (_halved, "bytes in place of"),
    "empty": (lambda _: b"", "is not a cache file of this version"),
    "of another version": (_flipped(14), "is not a cache file of this version"),
    "zeroes": (lambda content: bytes(len(content)), "is not a cache file of this version"),
    "a bit flipped in an image": (_flipped(4096 + 3 * 48 * 2 + 5), "does not agree with the checksum of frame 12"),
    "a bit flipped in a label": (_flipped(4096 + 3 * 48 * 5 + 48 * 4), "does not agree with the checksum of frame 14"),
    "a bit flipped in what it says": (_flipped(-3), "does not agree with the checksum of its contents"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_noticed_and_the_frames_are_decoded_anew(
    folder: Path, cached: LoadingSettings, decoded: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    request = request_of(folder, decoded)
    cached_frames(request, cached)
    path, (harm, said) = entry(cached), DAMAGES[damage]
    intact = path.read_bytes()
    path.write_bytes(harm(intact))
    assert_are_frames_of(cached_frames(request, cached), request, [10, 11, 12, 13, 14])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"warning: {path} ")
    assert said in line
    assert line.endswith("; its frames are decoded anew")
    assert path.read_bytes() == intact
    assert count(decoded) == 15


def test_without_a_check_only_the_outside_is_looked_at(folder: Path, cached: LoadingSettings, decoded: Path) -> None:
    request = request_of(folder, decoded)
    unchecked = cached.model_copy(update={"check": False})
    expected = cached_frames(request, unchecked).frames.images.copy()
    entry(cached).write_bytes(_flipped(4096)(entry(cached).read_bytes()))
    found = cached_frames(request, unchecked).frames.images
    assert (found != expected).sum() == 1
    entry(cached).write_bytes(_truncated(entry(cached).read_bytes()))
    np.testing.assert_array_equal(cached_frames(request, unchecked).frames.images, expected)
    assert count(decoded) == 10


def test_a_changed_file_is_noticed_and_one_that_was_only_touched_too(
    folder: Path, cached: LoadingSettings, decoded: Path
) -> None:
    request = request_of(folder, decoded)
    cached_frames(request, cached)
    (folder / "3.txt").write_text("99")
    assert_are_frames_of(cached_frames(request, cached), request, [10, 11, 12, 13, 14])
    assert count(decoded) == 15
    os.utime(folder / "3.txt", ns=(1, 1))
    cached_frames(request, cached)
    assert count(decoded) == 20


def test_a_data_set_that_was_moved_is_not_decoded_again(folder: Path, cached: LoadingSettings, decoded: Path) -> None:
    cached_frames(request_of(folder, decoded, bad=(12,)), cached)
    moved = folder.with_name("moved")
    shutil.move(folder, moved)
    found = cached_frames(request_of(moved, decoded, bad=(12,)), cached)
    assert count(decoded) == 5
    assert found.unreadable[0].path == moved / "2.txt"


def test_what_else_decides_the_frames_makes_another_entry(folder: Path, cached: LoadingSettings, decoded: Path) -> None:
    request = request_of(folder, decoded)
    cached_frames(request, cached)
    other = FrameRequest("test, 25mm", request.files, request.numbers, request.size, request.decode)
    fewer = FrameRequest(request.identity, request.files, (10, 13), request.size, request.decode)
    for changed, numbers in ((other, [10, 11, 12, 13, 14]), (fewer, [10, 13])):
        before = count(decoded)
        found = cached_frames(changed, cached)
        assert count(decoded) == before + len(numbers)
        assert_are_frames_of(found, request, numbers)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_where_writing_fails_half_way_the_frames_come_without_a_cache(
    folder: Path, cached: LoadingSettings, decoded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = request_of(folder, decoded, bad=(12,))
    with largest_file(4096 + 300):
        found = cached_frames(request, cached)
    assert_are_frames_of(found, request, [10, 11, 13, 14])
    assert [frame.number for frame in found.unreadable] == [12]
    said = capsys.readouterr().err
    assert said.startswith("warning: frames of test are decoded into memory, not cached: the file system at ")
    assert "takes no larger file" in said
    assert list(Path(str(cached.cache)).iterdir()) == []


@pytest.fixture
def spare(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the disk were nearly full."""
    monkeypatch.setattr(cache_folder, "SPARE", 2**80)


def test_a_disk_is_not_filled_to_the_brim(
    folder: Path,
    cached: LoadingSettings,
    decoded: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cache_folder, "SPARE", 2**80)
    request = request_of(folder, decoded)
    assert_are_frames_of(cached_frames(request, cached), request, [10, 11, 12, 13, 14])
    assert "GiB free, and these frames take" in capsys.readouterr().err
    assert list(Path(str(cached.cache)).iterdir()) == []


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    if os.geteuid() != 0:
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    if subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False).returncode != 0:
        pytest.skip("nothing can be mounted here, and root may write anywhere")
    subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
    yield
    subprocess.run(["umount", folder], check=True)


def test_a_folder_that_is_read_only_serves_what_it_has(
    folder: Path, cached: LoadingSettings, decoded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    request = request_of(folder, decoded)
    fewer = FrameRequest(request.identity, request.files, (10, 13), request.size, request.decode)
    cached_frames(request, cached)
    with read_only(Path(str(cached.cache))):
        found = cached_frames(request, cached)
        assert (count(decoded), capsys.readouterr().err) == (5, "")
        missing = cached_frames(fewer, cached)
        assert "not cached: the file system at" in capsys.readouterr().err
        del found
    assert_are_frames_of(missing, request, [10, 13])


def test_a_file_in_the_folder_s_place_is_an_error(folder: Path, decoded: Path) -> None:
    loading = LoadingSettings(cache=str(folder / "0.txt" / "cache"))
    with pytest.raises(ValueError, match=r"0\.txt is no folder; set data\.loading\.cache to another one, or to null"):
        cached_frames(request_of(folder, decoded), loading)


def test_more_than_memory_is_refused_where_nothing_is_cached(folder: Path, decoded: Path) -> None:
    request = request_of(folder, decoded)
    huge = FrameRequest("test", request.files, request.numbers, (10**7, 10**7), request.decode)
    for loading in (LoadingSettings(cache=None), LoadingSettings(cache=str(folder / "cache"))):
        with pytest.raises(ValueError, match=r"frames of test take 1\.86e\+06 GiB, but .* GiB of memory are left"):
            cached_frames(huge, loading)
    assert count(decoded) == 0
