"""Image files that appear while a run goes on: their order, when one is complete, and where a later run continues."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from segada.data.arrivals import NamePipe, WatchedFolder


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _put(root: Path, name: str, changed: float = 0.0, content: bytes = b"x") -> None:
    path = root / "cam" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (changed, changed))


def _names(files: list[Path]) -> list[str]:
    return [path.name for path in files]


def test_files_come_in_the_order_of_their_numbers(tmp_path: Path, clock: Clock) -> None:
    for name in ("f10.png", "f9.png", "f8.txt", ".f7.png"):
        _put(tmp_path, name)
    clock.seconds = 10.0
    folder = WatchedFolder(tmp_path, "cam/*.png", clock)

    folder.poll()

    assert _names(folder.take(1)) == ["f9.png"]
    assert _names(folder.take(5)) == ["f10.png"]
    assert folder.take(5) == []


def test_a_file_that_is_being_written_waits_and_those_after_it(tmp_path: Path, clock: Clock) -> None:
    _put(tmp_path, "1.png", changed=0.0)
    _put(tmp_path, "2.png", changed=9.0)
    _put(tmp_path, "3.png", changed=0.0)
    clock.seconds = 10.0
    folder = WatchedFolder(tmp_path, "cam/*.png", clock)
    folder.poll()
    assert _names(list(folder.ready)) == ["1.png"]

    _put(tmp_path, "2.png", changed=10.5, content=b"xy")
    clock.seconds = 11.0
    folder.poll()
    assert _names(list(folder.ready)) == ["1.png"]

    # Unchanged since the last search.
    clock.seconds = 11.5
    folder.poll()
    assert _names(list(folder.ready)) == ["1.png", "2.png", "3.png"]


def test_a_later_run_continues_after_the_last_file_that_was_taken(tmp_path: Path, clock: Clock) -> None:
    for number in range(4):
        _put(tmp_path, f"{number}.png")
    clock.seconds = 10.0
    first = WatchedFolder(tmp_path, "cam/*.png", clock)
    first.poll()
    first.take(2)
    # Files that were taken may go.
    (tmp_path / "cam" / "0.png").unlink()
    _put(tmp_path, "4.png")

    later = WatchedFolder(tmp_path, "cam/*.png", clock)
    later.load_state_dict(first.state_dict())
    later.poll()

    assert _names(list(later.ready)) == ["2.png", "3.png", "4.png"]


def test_a_large_folder_is_not_searched_all_the_time(tmp_path: Path) -> None:
    (tmp_path / "cam").mkdir()
    times = iter([10.0, 12.0, 20.0, 31.0, 31.5])
    folder = WatchedFolder(tmp_path, "cam/*.png", lambda: next(times))
    folder.poll()
    _put(tmp_path, "1.png")

    # A search took 2 s, so that the next one is due after 18 more.
    folder.poll()
    assert not folder.ready
    folder.poll()
    assert _names(list(folder.ready)) == ["1.png"]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no folder .*absent .* to follow; create it first"):
        WatchedFolder(tmp_path / "absent", "*.png")


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[int]:
    os.mkfifo(tmp_path / "names")
    # Opened for reading too, which does not wait for a reader.
    file = os.open(tmp_path / "names", os.O_RDWR)
    yield file
    os.close(file)


def test_names_come_line_by_line(tmp_path: Path, writer: int) -> None:
    pipe = NamePipe(str(tmp_path / "names"), tmp_path)
    pipe.poll()
    assert not pipe.ready

    os.write(writer, b"a.png\n\n  sub/b.png \n/full/c.p")
    pipe.poll()
    assert pipe.take(1) == [tmp_path / "a.png"]

    later = NamePipe(str(tmp_path / "names"), tmp_path)
    later.load_state_dict(pipe.state_dict())
    os.write(writer, b"ng\n")
    later.poll()
    assert later.take(9) == [tmp_path / "sub/b.png", Path("/full/c.png")]
    assert not later.over


def test_standard_input_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        pipe = NamePipe("-", tmp_path)
        os.write(writing, b"a.png\nb.png")
        pipe.poll()
        assert (list(pipe.ready), pipe.over) == ([tmp_path / "a.png"], False)
        os.close(writing)

        pipe.poll()

        assert (pipe.take(9), pipe.over) == ([tmp_path / "a.png", tmp_path / "b.png"], True)


def test_a_pipe_without_a_writer_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "names")
    pipe = NamePipe(str(tmp_path / "names"), tmp_path)

    pipe.poll()

    assert not pipe.over


@pytest.mark.parametrize("name", ["absent", "file"])
def test_what_is_no_pipe_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("a.png\n")

    with pytest.raises(ValueError, match=rf"{name} is no named pipe; make one: mkfifo"):
        NamePipe(str(tmp_path / name), tmp_path)
