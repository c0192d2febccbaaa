"""Optuna's journal file without a memory of where each of its lines begins: millions of them, for a long study."""

from collections.abc import Generator
from typing import Any

from optuna.storages.journal import JournalFileBackend

REMEMBERED = 10_000
"""Lines of which it is known where they begin; a reader goes on from the last one."""


class JournalFile(JournalFileBackend):
    """Reads on from the last line that it knows, and forgets where those before it begin."""

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Yields the operations from this number on."""
        for log in super().read_logs(log_number_from):
            offsets = self._log_number_offset
            if len(offsets) > REMEMBERED:
                last = max(offsets)
                kept = {0: 0, last: offsets[last]}
                offsets.clear()
                offsets.update(kept)
            yield log
