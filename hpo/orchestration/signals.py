"""Stopping of a driver by Ctrl-C, by SIGTERM or by the loss of Ray; finished results are written in every case."""

import os
import sys
import threading
from collections.abc import Callable

from hpo.orchestration.coordinator import RunCoordinator
from segada.cli.exit_codes import INTERRUPTED, how_to_go_on
from segada.cli.interruption import Interruption


class Stopping(Interruption):
    """Context in which a signal stops the coordinator; a second one, or one before any job runs, interrupts.

    An interrupted main thread may hang in Ray if Ray's processes are gone. In that case another thread writes the
    results, and the process ends.
    """

    def __init__(self, coordinator: RunCoordinator, conclude: Callable[[], object]) -> None:
        """Prepares the context; signals are handled only while it is open.

        Args:
            coordinator: coordinator to stop.
            conclude: function that writes the results and leaves the study.
        """
        super().__init__(self._stop, self._conclude_and_exit)
        self._coordinator = coordinator
        self._conclude = conclude
        self._once = threading.Lock()

    def rest(self) -> None:
        """Records that Ray was shut down, so the main thread writes the results. Never returns if another
        thread does.
        """
        with self._once:
            super().rest()

    def _stop(self) -> str | None:
        if self._coordinator.is_stopped or not self._coordinator.running:
            return None
        self._coordinator.stop()
        return "stopping after the visits that run now; once more stops at once"

    def _conclude_and_exit(self) -> None:
        self._once.acquire()
        if self._give_up is None:
            self._once.release()
            return
        self._coordinator.stop()
        try:
            self._conclude()
        finally:
            said = f"{self._coordinator.lost or 'interrupted'}; {how_to_go_on('what is finished is kept')}\n"
            os.write(sys.stderr.fileno(), said.encode())
            # The process exits past every `finally`: the main thread does not return from Ray.
            os._exit(INTERRUPTED)
