"""Drivers (main processes) that work on a study at the same time, and their lock for decisions."""

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Protocol, TextIO
from uuid import uuid4

from hpo.config.document import STUDY
from hpo.study.created_files import Made, remove_if_empty, remove_named
from hpo.study.file_lock import locked, take
from hpo.study.folder import LOCK, NEVER, SCRATCH, check_movable, check_study_movable, holds_study, unwritable
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
from segada.core.storage_errors import DeniedError, storage_error
from segada.errors import InputError


class DriverGroup(Protocol):
    """Drivers of a study, as seen by one of them."""

    @property
    def id(self) -> str:
        """Id of this driver."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Opens a reentrant context in which no other driver decides anything."""

    def released(self) -> AbstractContextManager[None]:
        """Opens a context, within `exclusive`, in which other drivers may decide, for slow work of this one."""

    def is_at_work(self, driver: str) -> bool:
        """Returns True if the driver with this id is alive."""

    def title(self, driver: str) -> str:
        """Returns a readable name of the driver with this id."""


class SoleDriver:
    """Driver group with one member, for studies that are only read or are not shared."""

    def __init__(self) -> None:
        self.id = uuid4().hex

    def exclusive(self) -> AbstractContextManager[None]:
        """Opens a context without a lock: there is no other driver."""
        return nullcontext()

    def released(self) -> AbstractContextManager[None]:
        """Opens a context like any other: there is no lock."""
        return nullcontext()

    def is_at_work(self, driver: str) -> bool:
        """Returns True for this driver only."""
        return driver == self.id

    def title(self, driver: str) -> str:
        """Returns the id: there is no driver record to read."""
        return driver


class Driver:
    """Main process among those that share a run folder. Create it with `joined`."""

    def __init__(self, out: Path) -> None:
        """Writes this driver's record, starts its heartbeat, and removes records of killed drivers of this machine."""
        self.out = out
        self.made = Made()
        """Record of created files, which are removed if the study is refused."""
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
        """Folder of this driver for temporary files."""
        return self.out / "ray" / self.id

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Opens a reentrant context in which no other driver of the folder decides anything."""
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

    @contextmanager
    def released(self) -> Iterator[None]:
        """Opens a context, within `exclusive`, without the lock; it is taken again at the end."""
        depth, held = self._depth, self._held
        assert held is not None
        self._depth, self._held = 0, None
        held.close()
        try:
            yield
        finally:
            self._depth, self._held = depth, take(self.out / LOCK)

    def is_at_work(self, driver: str) -> bool:
        """Returns True if a driver is alive: judged by its record's lock on this machine, by the record's age on
        others.
        """
        if driver == self.id:
            return True
        record = read_record(self.out, driver)
        if record is None:
            return False
        # Both times come from the file server, because the machines' clocks may differ.
        self._touch()
        return is_alive(self.out, record, modified(self._path))

    def title(self, driver: str) -> str:
        """Returns host and process of a driver; its id if its record is gone."""
        record = read_record(self.out, driver)
        return driver if record is None else f"{record.host} (process {record.pid})"

    def others(self) -> list[DriverRecord]:
        """Lists the records of the other live drivers."""
        return [record for record in driver_records(self.out) if record.id != self.id and self.is_at_work(record.id)]

    def leave(self) -> None:
        """Removes this driver's record; other drivers may then take over its runs."""
        self._over.set()
        self._pulse.join()
        self._path.unlink(missing_ok=True)
        self._record.close()
        # If the folder cannot be written now, the next driver cleans it up.
        with suppress(OSError), self.exclusive():
            _remove_dead(self.out)
        self._clear_scratch()
        remove_if_empty(self._path.parent)

    def _clear_scratch(self) -> None:
        """Removes Tune's temporary files of this driver and of killed drivers."""
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
        # If the folder cannot be written now, it may become writable again before others consider this driver dead.
        with suppress(OSError):
            os.utime(self._record.fileno())


@contextmanager
def joined(out: Path) -> Iterator[Driver]:
    """Creates the folder if it is missing, and registers a driver in it while the context is open.

    If the context ends with an InputError before any run has made progress, everything that this driver created is
    removed again, unless another driver works there. Files of other processes stay.

    Raises:
        InputError: the folder cannot be created.
        StorageError: the folder holds a study, but its file system accepts nothing now.
    """
    try:
        driver = Driver(out)
    except OSError as failure:
        refused = storage_error(failure, out)
        holds = (out / STUDY).exists()
        if holds and (failure.errno in NEVER or isinstance(refused, DeniedError)):
            raise unwritable(out, failure) from None
        if holds and refused is not None:
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
    """Renames a study's folder to OUT.1, or the next free number, and returns the new path; None if the folder is
    missing or empty.

    Raises:
        InputError: the folder does not hold a study, cannot be renamed, or a driver works in it.
    """
    if not out.is_dir() or not any(out.iterdir()):
        return None
    check_study_movable(out)
    with locked(out / LOCK):
        _check_movable_now(out)
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
            _check_movable_now(folder)
        return _renamed(out)


def check_idle(out: Path, working: Sequence[DriverRecord], cure: str = "") -> None:
    """Raises InputError if drivers work in a study's folder: names the first, and the cure beside stopping it."""
    if working:
        worker = f"process {working[0].pid} on {working[0].host}"
        raise InputError(f"{out}: {worker} works in this folder; stop it first{cure}")


def _check_movable_now(out: Path) -> None:
    working = [record for record in driver_records(out) if is_alive(out, record, time.time())]
    check_idle(out, working, ", or name another folder with --out")


def _renamed(out: Path) -> Path:
    number = next(number for number in range(1, 1 << 30) if not os.path.lexists(f"{out}.{number}"))
    return out.rename(f"{out}.{number}")


def _remove_dead(out: Path) -> None:
    """Removes records of dead drivers of this machine only: a driver elsewhere may be suspended and need its record
    later.
    """
    for path in (out / DRIVERS).glob("*.json"):
        if not is_driver(path.stem):
            continue
        record = read_record(out, path.stem)
        if record is None or (record.boot == boot() and not is_alive(out, record, time.time())):
            path.unlink(missing_ok=True)
