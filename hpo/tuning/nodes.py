"""A Ray of three nodes on this machine, of which one can be taken away: for tests of what a cluster does to a study."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from ray._private.node import Node
from ray.cluster_utils import Cluster

NODES = 3
MEGABYTES = 150
"""Of each node, for frames that trials share."""
ATTEMPTS = 5
"""To start a node, for which Ray waits 30 seconds: on a machine that has too much to do they do not suffice."""

_TIMED_OUT = "timed out during startup"


class Nodes:
    """The nodes, with a CPU each. Make them with `nodes`, in the main thread."""

    def __init__(self) -> None:
        """Starts them."""
        self._cluster = Cluster()
        for _ in range(NODES):
            self._add()

    @property
    def address(self) -> str:
        """Where drivers find them."""
        return str(self._cluster.address)

    def replace(self, generator: np.random.Generator) -> None:
        """Ends all processes of a node at once, and starts another one; not of the first, at which drivers are."""
        nodes: list[Node] = sorted(self._cluster.worker_nodes, key=lambda node: str(node.unique_id))
        self._cluster.remove_node(nodes[generator.integers(len(nodes))], allow_graceful=False)
        self._add()

    def shutdown(self) -> None:
        """Ends them."""
        self._cluster.shutdown()  # type: ignore[no-untyped-call]

    def _add(self) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._cluster.add_node(num_cpus=1, object_store_memory=MEGABYTES << 20, include_dashboard=False)
            except Exception as error:
                # Ray says it in no other way.
                if _TIMED_OUT not in str(error) or attempt == ATTEMPTS:
                    raise
            else:
                return


@contextmanager
def nodes() -> Iterator[Nodes]:
    """Three nodes, while the context is open."""
    started = Nodes()
    try:
        yield started
    finally:
        started.shutdown()
