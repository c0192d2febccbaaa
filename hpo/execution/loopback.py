"""Ray on this machine alone listens to this machine alone."""

import os

CLUSTERS = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Ray's switch for machines whose firewalls ask about every server; off, a node's address is 127.0.0.1 anywhere."""


def keep_on_loopback(address: str | None) -> None:
    """Lets the Ray that is started here bind to loopback; otherwise most of its servers bind to every interface.

    To be called before Ray is imported, which reads it then.

    Args:
        address: of a cluster that is joined instead; None takes RAY_ADDRESS, if it is set.
    """
    if address is None and "RAY_ADDRESS" not in os.environ:
        os.environ.setdefault(CLUSTERS, "0")
