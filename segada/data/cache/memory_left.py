"""Memory of this machine that frames can still go into."""

import os
from pathlib import Path
from typing import Final

MEMINFO: Final = Path("/proc/meminfo")


def refuse_more_than_is_left(wanted: int, whose: str) -> None:
    """Stops before the system stops the process.

    Args:
        wanted: Bytes.
        whose: Data set that the frames are of.

    Raises:
        ValueError: the machine has less memory left.
    """
    left = memory_left()
    if wanted > left:
        raise ValueError(
            f"frames of {whose} take {wanted / 2**30:.3g} GiB, but {left / 2**30:.3g} GiB of memory are left, and they "
            "are not cached; let data.loading.cache and data.loading.cache_limit take them, or choose a smaller "
            "data.size, or fewer frames in data.splits"
        )


def memory_left() -> int:
    """Bytes that a process can get without swapping; where the system does not say, all that the machine has."""
    lines = MEMINFO.read_text().splitlines() if MEMINFO.exists() else []
    found = next((line for line in lines if line.startswith("MemAvailable:")), None)
    return physical_memory() if found is None else 1024 * int(found.split()[1])


def physical_memory() -> int:
    """Bytes of memory that the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
