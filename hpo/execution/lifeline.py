"""Watch over Ray's own processes, without which a driver cannot continue."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import ray

EVERY = 1.0
"""Seconds between two checks."""
ANSWER = 5.0
"""Seconds within which a live process accepts a connection."""
PATIENCE = 40.0
"""Seconds without an answer after which a process counts as lost if it may be restarted, or if its network may recover.
After 60 s Ray would end the driver's process, past every `finally`.
"""


@dataclass
class _Process:
    name: str
    place: tuple[str, int]
    returns: bool
    """True if the process may be restarted after it was lost."""
    answered: float = field(default_factory=time.monotonic)
    """Monotonic time of its last answer, in seconds."""

    def gone(self) -> str | None:
        """Returns why the process is lost, in a clause; None if it is alive, or may be."""
        try:
            socket.create_connection(self.place, timeout=ANSWER).close()
        except OSError as error:
            is_final = isinstance(error, ConnectionRefusedError) and not self.returns
            if is_final or time.monotonic() - self.answered >= PATIENCE:
                return f"{self.name} is gone ({self.place[0]}:{self.place[1]}: {error.strerror or error})"
        else:
            self.answered = time.monotonic()
        return None


class Lifeline:
    """Watches the two processes that a connected driver needs: the cluster's control service (GCS) and its node's
    manager.

    Ray does not report their loss; it ends the driver after 10 to 60 seconds.
    """

    def __init__(self, *, is_own: bool) -> None:
        """Finds the addresses of the two processes.

        Args:
            is_own: True if this driver started Ray, so that no part of it is ever restarted.
        """
        context = ray.get_runtime_context()
        nodes = {node["NodeID"]: node for node in ray.nodes()}  # type: ignore[no-untyped-call]
        node = nodes[context.get_node_id()]
        host, _, port = context.gcs_address.rpartition(":")
        self._processes = [
            _Process("Ray's control service (GCS)", (host.strip("[]"), int(port)), returns=not is_own),
            _Process(
                "Ray's node manager (raylet)", (node["NodeManagerAddress"], node["NodeManagerPort"]), returns=False
            ),
        ]
        self._over = threading.Event()
        self.found: str | None = None
        """Clause about the lost process; None while none was found."""

    def __getstate__(self) -> dict[str, object]:
        """Returns an empty state: Tune pickles its callbacks for a restore that is never used."""
        return {}

    def lost(self) -> str | None:
        """Returns which process is lost, in a clause; None if both are alive."""
        if self.found is None:
            self.found = next((what for process in self._processes if (what := process.gone()) is not None), None)
        return self.found

    def watch(self, on_loss: Callable[[str], None]) -> None:
        """Checks repeatedly in a thread until `close` or until a process is lost, which is reported once."""

        def look() -> None:
            while not self._over.wait(EVERY):
                what = self.lost()
                if what is not None:
                    on_loss(what)
                    return

        threading.Thread(target=look, name="lifeline", daemon=True).start()

    def close(self) -> None:
        """Ends the checks."""
        self._over.set()
