"""Address of a Ray cluster: found, and checked within seconds. Ray itself would try for minutes."""

import os
import socket
from urllib.parse import urlsplit

from ray._private.services import canonicalize_bootstrap_address

from segada.errors import InputError

SECONDS = 5.0
"""Seconds within which a cluster accepts a connection, and again within which it answers."""

_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""First bytes of a client of HTTP/2, which Ray's control service speaks; they end with an empty frame of settings."""
_FRAME, _SETTINGS = 9, 4
"""Length of the head of a frame of HTTP/2, and the type of the frame with which a server begins."""


def answering(address: str) -> str:
    """Returns the address to connect to, at which a Ray cluster answers.

    Args:
        address: HOST:PORT; `auto` for the cluster of this machine; `local` is returned unchanged.

    Raises:
        InputError: it is no address, or nothing answers there, or something other than Ray.
    """
    if address == "local":
        return address
    found = _of_this_machine() if address == "auto" else address
    named = address if found == address else f"{found} (--address {address})"
    host, port = _parts(found)
    try:
        with socket.create_connection((host, port), timeout=SECONDS) as connection:
            is_ray = _greeted(connection)
    except OSError as error:
        raise no_cluster(named, error) from None
    if not is_ray:
        raise no_cluster(named, "something else than Ray's control service has this port")
    return found


def no_cluster(address: str, problem: object) -> InputError:
    """Returns the error of an address without a cluster, with the cure."""
    said = str(problem).splitlines()[0]
    return InputError(
        f"no Ray cluster answers at {address} ({said}); start one with `ray start --head`, or use this machine alone: "
        "give no --address and unset RAY_ADDRESS"
    )


def _of_this_machine() -> str:
    """Returns the address that `auto` means: RAY_ADDRESS, or what Ray has noted of its last cluster here."""
    try:
        found = canonicalize_bootstrap_address("auto")
    except (ConnectionError, ValueError) as error:
        raise no_cluster("auto", error) from None
    assert found is not None
    return str(found)


def _parts(address: str) -> tuple[str, int]:
    place = urlsplit(address if "//" in address else f"//{address}")
    try:
        host, port = place.hostname, place.port
    except ValueError:
        host, port = None, None
    if host is None or port is None:
        raise InputError(f"--address {address}: must be HOST:PORT, as in --address 10.0.0.5:6379, or auto")
    return host, port


def _greeted(connection: socket.socket) -> bool:
    """Returns True if a server answers as Ray's control service does."""
    if os.environ.get("RAY_USE_TLS", "0") != "0":
        return True
    connection.sendall(_HELLO)
    head = b""
    while len(head) < _FRAME:
        more = connection.recv(_FRAME - len(head))
        if not more:
            return False
        head += more
    return head[3] == _SETTINGS
