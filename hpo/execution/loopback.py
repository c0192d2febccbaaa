"""Setting that keeps a local Ray on the loopback interface."""

import os

CLUSTERS = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Ray's switch for machines whose firewalls ask about every server; if off, every node's address is 127.0.0.1."""


ANSWER = "RAY_gcs_server_request_timeout_seconds"
"""Ray's variable for the seconds within which a cluster has to name a node for a driver; its own value is 60."""


def keep_on_loopback(address: str | None) -> None:
    """Binds a Ray that is started here to loopback; by default most of its servers bind to every interface.

    A cluster that is joined instead has 10 seconds to answer, so that a dead one is noticed.

    Call it before Ray is imported: Ray reads the variable at import.

    Args:
        address: address of a cluster to join instead; None uses RAY_ADDRESS, if it is set.
    """
    if address is None and "RAY_ADDRESS" not in os.environ:
        os.environ.setdefault(CLUSTERS, "0")
    else:
        os.environ.setdefault(ANSWER, "10")
