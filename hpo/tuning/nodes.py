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


class Nodes:
    """The nodes, with a CPU each. Make them with `nodes`, in the main thread."""

    def __init__(self) -> None:
        """Starts them."""
        self._cluster = Cluster(initialize_head=True, head_node_args=_node())
        for _ in range(NODES - 1):
            self._cluster.add_node(**_node())

    @property
    def address(self) -> str:
        """Where drivers find them."""
        return str(self._cluster.address)

    def replace(self, generator: np.random.Generator) -> None:
        """Ends all processes of a node at once, and starts another one; not of the first, at which drivers are."""
        nodes: list[Node] = sorted(self._cluster.worker_nodes, key=lambda node: str(node.unique_id))
        self._cluster.remove_node(nodes[generator.integers(len(nodes))], allow_graceful=False)
        self._cluster.add_node(**_node())

    def shutdown(self) -> None:
        """Ends them."""
        self._cluster.shutdown()  # type: ignore[no-untyped-call]


@contextmanager
def nodes() -> Iterator[Nodes]:
    """Three nodes, while the context is open."""
    started = Nodes()
    try:
        yield started
    finally:
        started.shutdown()


def _node() -> dict[str, Any]:
    return {"num_cpus": 1, "object_store_memory": MEGABYTES << 20, "include_dashboard": False}
