"""The main jobs that work on a study at the same time, and which of them decides now."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Protocol, TextIO
from uuid import uuid4

from hpo.study.created_files import Made, remove_if_empty, remove_named
from hpo.study.file_lock import locked, take
from hpo.study.folder import LOCK, SCRATCH, check_movable, check_study_movable, holds_study
from hpo.study.heartbeats import (
    DRIVERS,
    HEARTBEAT_SECONDS,
    DriverRecord,
    boot,
    driver_records,
    is_alive,
    is_driver,
    modified,
    read_record,
    record_path,
)
from segada.core.storage_errors import storage_error
from segada.errors import InputError


class DriverGroup(Protocol):
    """Who works on a study, seen by one of them."""

    @property
    def id(self) -> str:
        """Of the one."""

    def exclusive(self) -> AbstractContextManager[None]:
        """While the context is open nobody else decides. It may be opened again within itself."""

    def is_at_work(self, driver: str) -> bool:
        """Whether the driver of this id, or the one itself, still works."""

    def title(self, driver: str) -> str:
        """What a person calls the driver of this id."""


class SoleDriver:
    """The company of one who knows that nobody else is there: a study that is read, or not shared."""

    def __init__(self) -> None:
        self.id = uuid4().hex

    def exclusive(self) -> AbstractContextManager[None]:
        """Nobody to wait for."""
        return nullcontext()

    def is_at_work(self, driver: str) -> bool:
        """Nobody else is."""
        return driver == self.id

    def title(self, driver: str) -> str:
        """There is no card to read."""
        return driver


class Driver:
    """A main job among those that share a folder. Make it with `joined`."""

    def __init__(self, out: Path) -> None:
        """Leaves its card, and keeps it fresh from now on; those of killed drivers of this machine are removed."""
        self.out = out
        self.made = Made()
        """What it has made, to be removed if the study is refused."""
        self._depth = 0
        self._held: TextIO | None = None
        host = socket.gethostname()
        self.id = f"{host}-{os.getpid()}-{uuid4().hex[:8]}"
        self._path = record_path(out, self.id)
        record = DriverRecord(
            id=self.id, host=host, boot=boot(), pid=os.getpid(), started=time.time(), version=version("segada")
        )
        self.made.folder(out)
        with self.made.noting(out / LOCK), self.exclusive():
            _remove_dead(out)
            self._record = take(self._path)
            self._record.write(record.model_dump_json() + "\n")
            self._record.flush()
        self._over = threading.Event()
        self._pulse = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._pulse.start()

    @property
    def scratch(self) -> Path:
        """A folder of its own for what nobody reads later."""
        return self.out / "ray" / self.id

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """While the context is open, no other driver of the folder decides anything."""
        if self._held is None:
            self._held = take(self.out / LOCK)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                held, self._held = self._held, None
                held.close()

    def is_at_work(self, driver: str) -> bool:
        """Whether a driver works: of this machine by the lock on its card, of another one by the card's age."""
        if driver == self.id:
            return True
        record = read_record(self.out, driver)
        if record is None:
            return False
        # Both times are the file server's: clocks of the machines may differ.
        self._touch()
        return is_alive(self.out, record, modified(self._path))

    def title(self, driver: str) -> str:
        """Machine and process, as long as there is a card."""
        record = read_record(self.out, driver)
        return driver if record is None else f"{record.host} (process {record.pid})"

    def others(self) -> list[DriverRecord]:
        """The cards of other drivers that work."""
        return [record for record in driver_records(self.out) if record.id != self.id and self.is_at_work(record.id)]

    def leave(self) -> None:
        """Takes back the card: whatever this driver still had may be taken by others now."""
        self._over.set()
        self._pulse.join()
        self._path.unlink(missing_ok=True)
        self._record.close()
        # A folder that takes nothing now is cleared by the next driver.
        with suppress(OSError), self.exclusive():
            _remove_dead(self.out)
        self._clear_scratch()
        remove_if_empty(self._path.parent)

    def _clear_scratch(self) -> None:
        """Removes what Tune has left for this driver, and for those that were killed."""
        over = [
            folder
            for folder in self.scratch.parent.glob("*")
            if is_driver(folder.name) and not record_path(self.out, folder.name).exists()
        ]
        for folder in over:
            with suppress(OSError):
                remove_named(folder, SCRATCH)
        if over:
            remove_if_empty(self.scratch.parent)

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT_SECONDS):
            self._touch()

    def _touch(self) -> None:
        # A folder that cannot be written now may be so again before the others take this driver for dead.
        with suppress(OSError):
            os.utime(self._record.fileno())


@contextmanager
def joined(out: Path) -> Iterator[Driver]:
    """Makes the folder if it is missing, and works in it beside any other drivers while the context is open.

    If the work ends in an InputError before any run has got anywhere, what this driver has made is removed again,
    unless another one works there. What anybody else has put there stays.

    Raises:
        InputError: the folder cannot be made.
        StorageError: it holds a study, but its file system takes nothing more.
    """
    try:
        driver = Driver(out)
    except OSError as failure:
        refused = storage_error(failure, out)
        if refused is not None and (out / "study.yaml").exists():
            raise refused from failure
        raise InputError(f"{out}: cannot be the folder of a study ({failure}); name another one with --out") from None
    try:
        yield driver
    except InputError:
        with driver.exclusive():
            others = driver.others()
            driver.leave()
            if not others:
                driver.made.remove()
        raise
    except BaseException:
        driver.leave()
        raise
    driver.leave()


def set_aside(out: Path) -> Path | None:
    """Gives a study's folder the name OUT.1, or the next one that is free, and says which; None if there is none.

    Raises:
        InputError: the folder is no study's, cannot be renamed, or a driver works in it.
    """
    if not out.is_dir() or not any(out.iterdir()):
        return None
    check_study_movable(out)
    with locked(out / LOCK):
        _check_idle(out)
        return _renamed(out)


def set_aside_comparison(out: Path) -> Path | None:
    """Renames the folder of a comparison, with the studies in it, as `set_aside` renames that of a study.

    Args:
        out: Folder of the comparison, which has passed `hpo.study.folder.check_comparison`.

    Raises:
        InputError: The folder cannot be renamed, or a driver works in one of its studies.
    """
    if not out.is_dir() or not any(out.iterdir()):
        return None
    check_movable(out)
    with ExitStack() as locks:
        for folder in filter(holds_study, sorted(out.iterdir())):
            locks.enter_context(locked(folder / LOCK))
            _check_idle(folder)
        return _renamed(out)


def _check_idle(out: Path) -> None:
    """Raises InputError if a driver works in a study's folder."""
    working = [record for record in driver_records(out) if is_alive(out, record, time.time())]
    if working:
        worker = f"process {working[0].pid} on {working[0].host}"
        raise InputError(f"{out}: {worker} works in this folder; stop it first, or name another folder with --out")


def _renamed(out: Path) -> Path:
    number = next(number for number in range(1, 1 << 30) if not os.path.lexists(f"{out}.{number}"))
    return out.rename(f"{out}.{number}")


def _remove_dead(out: Path) -> None:
    """Removes cards of this machine only: a driver on another one may be asleep, and needs its card when it wakes."""
    for path in (out / DRIVERS).glob("*.json"):
        if not is_driver(path.stem):
            continue
        record = read_record(out, path.stem)
        if record is None or (record.boot == boot() and not is_alive(out, record, time.time())):
            path.unlink(missing_ok=True)
