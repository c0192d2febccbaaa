"""A Ray cluster of three nodes on this machine, of which one can be removed, for tests of node failures."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from ray._private.node import Node
from ray.cluster_utils import Cluster

NODES = 3
MEGABYTES = 150
"""Object store of each node in MB, for frames that trials share."""
ATTEMPTS = 5
"""Number of attempts to start a node; Ray waits 30 seconds, which do not suffice on an overloaded machine."""

_ELSEWHERE = "127.0.0.{number}1"
"""Addresses of the nodes after the first; a driver joins any node with its own address, and would die with it."""
_TIMED_OUT = "timed out during startup"


class Nodes:
    """The nodes, with a CPU each. Create them with `nodes`, in the main thread."""

    def __init__(self) -> None:
        """Starts the nodes."""
        self._cluster = Cluster()
        self._add()
        for number in range(1, NODES):
            self._add(node_ip_address=_ELSEWHERE.format(number=number))

    @property
    def address(self) -> str:
        """Address to which drivers connect."""
        return str(self._cluster.address)

    def replace(self, generator: np.random.Generator) -> None:
        """Ends all processes of a random node except the first, where drivers are, and starts another node.

        Raises:
            TimeoutError: if no other node starts.
        """
        nodes: list[Node] = sorted(self._cluster.worker_nodes, key=lambda node: str(node.unique_id))
        gone = nodes[generator.integers(len(nodes))]
        self._cluster.remove_node(gone, allow_graceful=False)
        self._add(node_ip_address=gone.node_ip_address)

    def shutdown(self) -> None:
        """Stops the nodes."""
        self._cluster.shutdown()  # type: ignore[no-untyped-call]

    def _add(self, **options: Any) -> None:
        # No dashboard port is given, or Ray would complain that it is in use.
        options |= {"num_cpus": 1, "object_store_memory": MEGABYTES << 20, "include_dashboard": False}
        options |= {"dashboard_port": None}
        for _ in range(ATTEMPTS):
            try:
                self._cluster.add_node(**options)
            except Exception as error:
                # Ray reports a timeout only in the message.
                if _TIMED_OUT not in str(error):
                    raise
            else:
                return
        raise TimeoutError(f"no node of Ray has started in {ATTEMPTS} attempts")


@contextmanager
def nodes() -> Iterator[Nodes]:
    """Runs three nodes within the context.

    Raises:
        TimeoutError: if the nodes do not start.
    """
    started = Nodes()
    try:
        yield started
    finally:
        started.shutdown()
