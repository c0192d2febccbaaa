"""Image files that appear while a run goes on: in a folder, or by their names in a pipe."""

import os
import select
import stat
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from segada.data.datasets.file_keys import by_numbers
from segada.data.datasets.found_files import found

PIPE_CHUNK: Final = 65536
"""Bytes that are read of a pipe at a time."""
MOST_READY: Final = 256
"""Number of names from which on no more are read, so that the others stay in the pipe."""
QUIET: Final = 2.0
"""Seconds since its last change from which on a file is complete; a younger one is if a later search finds it
unchanged."""
SHARE_OF_TIME: Final = 0.1
"""Greatest share of the time that is spent on searching the folder."""

Stamp = tuple[int, int]


class Arrivals(Protocol):
    """Source of image files that appear one after the other.

    Attributes:
        ready: Files that have arrived and are not taken yet, in their order.
        over: True if no further file can arrive.
    """

    ready: deque[Path]
    over: bool

    def poll(self) -> None:
        """Looks for new files; does not wait."""

    def take(self, count: int) -> list[Path]:
        """Removes the first files from `ready` and returns them."""

    def state_dict(self) -> Mapping[str, Any]:
        """Returns what is needed to continue with the first file that is not taken."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores the state that `state_dict` returned."""


class WatchedFolder:
    """New files of a pattern below a folder, in the order of their names, with numbers compared as numbers.

    A file is ready when it is complete: unchanged between two searches, or for `QUIET` seconds. One whose name comes
    before a name that has been taken is not seen.
    """

    over = False

    def __init__(self, root: Path, pattern: str, now: Callable[[], float] = time.time) -> None:
        """Raises ValueError if there is no folder."""
        if not root.is_dir():
            raise ValueError(f"there is no folder {root} (seen from {Path.cwd()}) to follow; create it first")
        self.ready: deque[Path] = deque()
        self._root, self._pattern, self._now = root, pattern, now
        self._taken = self._queued = ""
        self._stamps: dict[Path, Stamp] = {}
        self._due = 0.0

    def poll(self) -> None:
        """Searches the folder, unless the last search was so recent that it would take most of the time."""
        begun = self._now()
        if begun < self._due:
            return
        later = [(name, path) for name, path in self._names() if _is_after(name, self._queued)]
        stamps = {path: stamp for _, path in later if (stamp := _stamp(path)) is not None}
        for name, path in later:
            known = stamps.get(path)
            if known is None or not (known == self._stamps.get(path) or begun - known[1] / 1e9 > QUIET):
                # Those after it wait too: files are taken in their order.
                break
            self.ready.append(path)
            self._queued = name
        self._stamps = stamps
        ended = self._now()
        self._due = ended + (ended - begun) * (1 / SHARE_OF_TIME - 1)

    def take(self, count: int) -> list[Path]:
        """Removes the first files from `ready` and returns them."""
        taken = [self.ready.popleft() for _ in range(min(count, len(self.ready)))]
        if taken:
            self._taken = self._name(taken[-1])
        return taken

    def state_dict(self) -> Mapping[str, Any]:
        """Returns the name of the last file that was taken."""
        return {"taken": self._taken}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores the state that `state_dict` returned."""
        self._taken = self._queued = state["taken"]
        self.ready.clear()

    def _names(self) -> list[tuple[str, Path]]:
        named = [(self._name(path), path) for path in found(self._root, self._pattern).files.values()]
        return sorted(named, key=lambda one: (by_numbers(one[0]), one[0]))

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()


class NamePipe:
    """Names of image files, one in a line, from a named pipe or standard input.

    Only standard input can end. A named pipe without a writer waits for the next one.
    """

    def __init__(self, pipe: str, root: Path) -> None:
        """Opens the pipe.

        Args:
            pipe: Path of a named pipe, or `-` for standard input.
            root: Folder that names without a leading slash are below.

        Raises:
            ValueError: There is no such pipe.
        """
        self.ready: deque[Path] = deque()
        self.over = False
        self._root, self._rest = root, b""
        self._ends = pipe == "-"
        self._file = sys.stdin.fileno() if self._ends else _opened(Path(pipe))

    def poll(self) -> None:
        """Reads what is in the pipe, up to some hundred names."""
        while len(self.ready) < MOST_READY and not self.over and select.select([self._file], [], [], 0.0)[0]:
            chunk = os.read(self._file, PIPE_CHUNK)
            if not chunk and not self._ends:
                return
            self.over = not chunk
            *lines, self._rest = (self._rest + chunk + (b"" if chunk else b"\n")).split(b"\n")
            self.ready.extend(self._root / os.fsdecode(line.strip()) for line in lines if line.strip())

    def take(self, count: int) -> list[Path]:
        """Removes the first files from `ready` and returns them."""
        return [self.ready.popleft() for _ in range(min(count, len(self.ready)))]

    def state_dict(self) -> Mapping[str, Any]:
        """Returns the names that were read and not taken."""
        return {"waiting": [str(path) for path in self.ready], "rest": os.fsdecode(self._rest)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores the state that `state_dict` returned."""
        self.ready = deque(map(Path, state["waiting"]))
        self._rest = os.fsencode(state["rest"])


def _opened(path: Path) -> int:
    if not (path.exists() and stat.S_ISFIFO(path.stat().st_mode)):
        raise ValueError(f"{path} is no named pipe; make one: mkfifo {path}, or set stream.follow.names to null")
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK)


def _is_after(name: str, other: str) -> bool:
    return (by_numbers(name), name) > (by_numbers(other), other)


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
