"""A Ray of three nodes on this machine, of which one can be taken away: for tests of what a cluster does to a study."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from ray._private.node import Node
from ray.cluster_utils import Cluster

NODES = 3
MEGABYTES = 150
"""Of each node, for frames that trials share."""
ATTEMPTS = 5
"""To start a node, for which Ray waits 30 seconds: on a machine that has too much to do they do not suffice."""

_ELSEWHERE = "127.0.0.{number}1"
"""Addresses of the nodes after the first: a driver joins any node that has its own address, and would go with it."""
_TIMED_OUT = "timed out during startup"


class Nodes:
    """The nodes, with a CPU each. Make them with `nodes`, in the main thread."""

    def __init__(self) -> None:
        """Starts them."""
        self._cluster = Cluster()
        self._add()
        for number in range(1, NODES):
            self._add(node_ip_address=_ELSEWHERE.format(number=number))

    @property
    def address(self) -> str:
        """Where drivers find them."""
        return str(self._cluster.address)

    def replace(self, generator: np.random.Generator) -> None:
        """Ends all processes of a node at once, and starts another one; not of the first, at which drivers are.

        Raises:
            TimeoutError: no other one starts.
        """
        nodes: list[Node] = sorted(self._cluster.worker_nodes, key=lambda node: str(node.unique_id))
        gone = nodes[generator.integers(len(nodes))]
        self._cluster.remove_node(gone, allow_graceful=False)
        self._add(node_ip_address=gone.node_ip_address)

    def shutdown(self) -> None:
        """Ends them."""
        self._cluster.shutdown()  # type: ignore[no-untyped-call]

    def _add(self, **options: Any) -> None:
        # No port is given for the dashboard, or Ray would complain that another one has it.
        options |= {"num_cpus": 1, "object_store_memory": MEGABYTES << 20, "include_dashboard": False}
        options |= {"dashboard_port": None}
        for _ in range(ATTEMPTS):
            try:
                self._cluster.add_node(**options)
            except Exception as error:
                # Ray says it in no other way.
                if _TIMED_OUT not in str(error):
                    raise
            else:
                return
        raise TimeoutError(f"no node of Ray has started in {ATTEMPTS} attempts")


@contextmanager
def nodes() -> Iterator[Nodes]:
    """Three nodes, while the context is open.

    Raises:
        TimeoutError: they do not start.
    """
    started = Nodes()
    try:
        yield started
    finally:
        started.shutdown()
