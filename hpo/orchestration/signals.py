"""How a main job is stopped: by Ctrl-C or SIGTERM, or since Ray is gone; what is finished is written all the same."""

import os
import threading
from collections.abc import Callable

from hpo.orchestration.coordinator import RunCoordinator
from segada.cli.exit_codes import INTERRUPTED, how_to_go_on
from segada.cli.interruption import STDERR, Interruption


class Stopping(Interruption):
    """While the context is open, a signal stops the agenda; a second one, or one before any job runs, interrupts.

    What is interrupted may hang in Ray, of which nothing may be left; then the results are written beside it, and the
    process ends, if it is a command's.
    """

    def __init__(self, coordinator: RunCoordinator, conclude: Callable[[], object] | None) -> None:
        """Does nothing until the context is open.

        Args:
            coordinator: Is stopped.
            conclude: Writes the results, and leaves the study, before the process is ended; None does not end it.
        """
        super().__init__(self._stop, None if conclude is None else self._conclude_and_exit)
        self._coordinator = coordinator
        self._conclude = conclude
        self._once = threading.Lock()

    def rest(self) -> None:
        """Notes that Ray has been left, so that the main thread writes the results. Never returns if others do."""
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
            assert self._conclude is not None
            self._conclude()
        finally:
            said = f"{self._coordinator.lost or 'interrupted'}; {how_to_go_on('what is finished is kept')}\n"
            os.write(STDERR, said.encode())
            # Past every finally: the main thread does not come back from Ray.
            os._exit(INTERRUPTED)
