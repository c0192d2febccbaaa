"""The cards that drivers leave in a study's folder: who they are, and who of them lives."""

import os
import re
import socket
from pathlib import Path

from pydantic import ValidationError

from hpo.study.file_lock import attempt
from segada.records import Record

DRIVERS = "drivers"
"""Folder, in that of the study, of a card for each driver."""
HEARTBEAT_SECONDS = 5.0
"""Seconds between two touches of a driver's card."""
DEAD_AFTER_SECONDS = 60.0
"""Seconds without a touch after which a driver on another machine is taken for dead."""


class DriverRecord(Record):
    """`drivers/<id>.json`: a driver that works, or was killed. Its process has the file locked until it ends."""

    id: str
    host: str
    boot: str
    """Identifies the machine since it was switched on; of one machine, a lock says at once whether its owner lives."""
    pid: int
    started: float
    """Seconds since 1970."""
    version: str
    """Of this program."""


def driver_records(out: Path) -> list[DriverRecord]:
    """The cards in a study's folder, of drivers that work or were killed, the first one first."""
    found = [read_record(out, path.stem) for path in (out / DRIVERS).glob("*.json")]
    return sorted((record for record in found if record is not None), key=lambda record: record.started)


def read_record(out: Path, driver: str) -> DriverRecord | None:
    """The card of a driver; None if it has none (any more)."""
    try:
        return DriverRecord.model_validate_json(record_path(out, driver).read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        # Killed while it wrote: it had nothing yet.
        return None


def is_alive(out: Path, record: DriverRecord, now: float, *, read_only: bool = False) -> bool:
    """Whether a driver works.

    Args:
        out: the study's folder.
        record: its card.
        now: the time, in seconds since 1970, by the clock of the machine that keeps the folder's files.
        read_only: whether the folder may be one that nothing can be written to; otherwise the file is opened for
            writing, which locks on some network file systems ask for.
    """
    path = record_path(out, record.id)
    if record.boot == boot():
        file = attempt(path, "r" if read_only else "r+")
        if file is not None:
            file.close()
        return file is None and path.exists()
    try:
        return now - modified(path) < DEAD_AFTER_SECONDS
    except FileNotFoundError:
        return False


def is_driver(name: str) -> bool:
    """Whether this is the id of a driver, as they are made: host, process and eight digits of chance."""
    return re.fullmatch(r".+-[0-9]+-[0-9a-f]{8}", name) is not None


def record_path(out: Path, driver: str) -> Path:
    """Where a driver's card is."""
    return out / DRIVERS / f"{driver}.json"


def modified(path: Path) -> float:
    """When a file was touched last, in seconds since 1970."""
    # Opened, because a network file system may have forgotten to ask what it only looks at.
    with path.open() as file:
        return os.fstat(file.fileno()).st_mtime


def boot() -> str:
    """Identifies this machine since it was switched on."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else socket.gethostname()
