"""Memory of this machine that is available for frames."""

import os
from pathlib import Path
from typing import Final

MEMINFO: Final = Path("/proc/meminfo")


def refuse_more_than_is_left(wanted: int, whose: str) -> None:
    """Refuses to allocate more memory than is available, before the system kills the process.

    Args:
        wanted: Number of bytes.
        whose: Data set of the frames.

    Raises:
        ValueError: The machine has less memory available.
    """
    left = memory_left()
    if wanted > left:
        raise ValueError(
            f"frames of {whose} take {wanted / 2**30:.3g} GiB, but {left / 2**30:.3g} GiB of memory are left, and they "
            "are not cached; let data.loading.cache and data.loading.cache_limit take them, or choose a smaller "
            "data.size, or fewer frames in data.splits"
        )


def memory_left() -> int:
    """Returns the number of bytes available without swapping; where the system does not report it, all memory of the
    machine."""
    lines = MEMINFO.read_text().splitlines() if MEMINFO.exists() else []
    found = next((line for line in lines if line.startswith("MemAvailable:")), None)
    return physical_memory() if found is None else 1024 * int(found.split()[1])


def physical_memory() -> int:
    """Returns the number of bytes of memory of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
