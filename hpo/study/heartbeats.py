"""Driver records: files in a study's folder that identify its drivers and show which of them are alive."""

import os
import re
import socket
from pathlib import Path

from pydantic import ValidationError

from hpo.study.file_lock import attempt
from segada.records import Record

DRIVERS = "drivers"
"""Name of the folder of driver records in a study's folder."""
HEARTBEAT_SECONDS = 5.0
"""Seconds between two updates of a driver record's modification time."""
DEAD_AFTER_SECONDS = 60.0
"""Seconds without an update after which a driver on another machine counts as dead."""


class DriverRecord(Record):
    """`drivers/<id>.json`: a driver that is alive or was killed. Its process locks the file until it ends."""

    id: str
    host: str
    boot: str
    """Boot id of the machine; on the same machine a lock shows at once whether its owner is alive."""
    pid: int
    started: float
    """Start time in seconds since 1970."""
    version: str
    """Version of this program."""


def driver_records(out: Path) -> list[DriverRecord]:
    """Lists the records in a study's folder, of live and killed drivers, earliest first."""
    found = [read_record(out, path.stem) for path in (out / DRIVERS).glob("*.json")]
    return sorted((record for record in found if record is not None), key=lambda record: record.started)


def read_record(out: Path, driver: str) -> DriverRecord | None:
    """Reads the record of a driver; None if it has none (any more)."""
    try:
        return DriverRecord.model_validate_json(record_path(out, driver).read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        # The driver was killed while writing its record, before it took any run.
        return None


def is_alive(out: Path, record: DriverRecord, now: float) -> bool:
    """Returns True if a driver is alive.

    Args:
        out: the study's folder.
        record: record of the driver.
        now: time in seconds since 1970, by the clock of the folder's file server.
    """
    path = record_path(out, record.id)
    if record.boot == boot():
        file = attempt(path, "r+")
        if file is not None:
            file.close()
        return file is None and path.exists()
    try:
        return now - modified(path) < DEAD_AFTER_SECONDS
    except FileNotFoundError:
        return False


def is_driver(name: str) -> bool:
    """Returns True if this is a driver's id: host, process, and eight random hexadecimal digits."""
    return re.fullmatch(r".+-[0-9]+-[0-9a-f]{8}", name) is not None


def record_path(out: Path, driver: str) -> Path:
    """Returns the path of a driver's record."""
    return out / DRIVERS / f"{driver}.json"


def modified(path: Path) -> float:
    """Returns the modification time of a file in seconds since 1970."""
    # The file is opened because a network file system may answer a plain stat from its cache.
    with path.open() as file:
        return os.fstat(file.fileno()).st_mtime


def boot() -> str:
    """Returns the boot id of this machine."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else socket.gethostname()
