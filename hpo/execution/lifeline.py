"""Whether Ray's own processes, without which a driver cannot go on, are still there."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import ray

EVERY = 1.0
"""Seconds between two looks."""
ANSWER = 5.0
"""Seconds in which a process that is there accepts a connection."""
PATIENCE = 40.0
"""Seconds without an answer after which a process is gone that may be started again, or behind a network that may come
back. After 60 s Ray would end the driver's process, past every `finally`."""


@dataclass
class _Process:
    name: str
    place: tuple[str, int]
    returns: bool
    """Whether it may be there again after it was gone."""
    answered: float = field(default_factory=time.monotonic)
    """When it did last."""

    def gone(self) -> str | None:
        """Why it is gone, in a clause; None if it is there, or may be."""
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
    """The two processes that a connected driver depends on: the cluster's control service, and its own node's manager.

    Of their loss Ray tells nobody: it ends the driver, after 10 to 60 seconds.
    """

    def __init__(self, *, is_own: bool) -> None:
        """Finds them.

        Args:
            is_own: Whether this driver has started Ray, so that nobody starts a part of it again.
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
        """What was found to be gone."""

    def __getstate__(self) -> dict[str, object]:
        """Nothing: Tune pickles its callbacks for a restore that is never used."""
        return {}

    def lost(self) -> str | None:
        """What is gone, in a clause; None if both are there."""
        if self.found is None:
            self.found = next((what for process in self._processes if (what := process.gone()) is not None), None)
        return self.found

    def watch(self, on_loss: Callable[[str], None]) -> None:
        """Looks again and again, in a thread, until `close` or until one is gone, which is told once."""

        def look() -> None:
            while not self._over.wait(EVERY):
                what = self.lost()
                if what is not None:
                    on_loss(what)
                    return

        threading.Thread(target=look, name="lifeline", daemon=True).start()

    def close(self) -> None:
        """Looks no more."""
        self._over.set()
