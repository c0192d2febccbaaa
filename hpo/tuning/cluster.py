"""Ray: connects to a cluster or starts one on this machine, quietly."""

import logging
import math
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import ray

from segada.settings.files import InputError

_QUIET = {
    # What Tune would otherwise write beside our own files, print over our own progress, or do on Ctrl-C.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # A search on a closed network must not wait for a statistics server.
    "RAY_USAGE_STATS_ENABLED": "0",
}

_KEEP_FREED_MEMORY = {
    # glibc hands large freed tensors back to the system and faults every page in again at the next step; the workers
    # have the memory anyway. This changes no arithmetic.
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(4 << 30),
    "MALLOC_TOP_PAD_": str(64 << 20),
}


@dataclass(frozen=True)
class Resources:
    """What the trials may use.

    Attributes:
        workers: Trials that run at the same time; None takes as many as fit.
        cpus: CPU cores of each.
        gpus: GPUs of each; fractions share one.
        threads: Threads of the numeric libraries in each.
    """

    workers: int | None
    cpus: float
    gpus: float
    threads: int


@dataclass(frozen=True)
class Cluster:
    """A running Ray.

    Attributes:
        dashboard: Its URL; None if this Ray has none.
        token_file: Holds the token that the dashboard asks for; None if it asks for none.
        workers: Trials that run at the same time.
        resources: What each of them may use.
    """

    dashboard: str | None
    token_file: Path | None
    workers: int
    resources: Resources


@contextmanager
def cluster(resources: Resources, address: str | None) -> Iterator[Cluster]:
    """Ray while the context is open: the cluster at `address` or RAY_ADDRESS, else one on this machine, on loopback.

    Raises:
        InputError: nothing answers at the address.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    address = address or os.environ.get("RAY_ADDRESS")
    if address is not None:
        _check_answers(address)
    else:
        # Workers inherit this; a runtime environment would say the same and delay every worker's start.
        os.environ.update(_numerics(resources))
    try:
        context = ray.init(
            address=address or "local",
            num_cpus=None if address else _local_cpus(resources),
            include_dashboard=None if address else True,
            dashboard_host="127.0.0.1",
            runtime_env={"env_vars": _numerics(resources)} if address else None,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
        )
        for name in ("ray.tune", "ray.train", "ray.air"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        dashboard = f"http://{context.dashboard_url}" if context.dashboard_url else None
        yield Cluster(dashboard, _token_file(), resources.workers or _fitting(resources), resources)
    finally:
        ray.shutdown()


def _numerics(resources: Resources) -> dict[str, str]:
    """Environment of the processes that compute."""
    return {"OMP_NUM_THREADS": str(resources.threads), **_KEEP_FREED_MEMORY}


def _check_answers(address: str) -> None:
    """Refuses at once where Ray itself would try for minutes."""
    place = urlsplit(address if "//" in address else f"//{address}")
    if place.hostname is None or place.port is None:
        return
    try:
        socket.create_connection((place.hostname, place.port), timeout=5).close()
    except OSError as error:
        raise InputError(
            f"no Ray cluster answers at {address} ({error}); start one with `ray start --head`, or use this machine "
            "alone: give no --address and unset RAY_ADDRESS"
        ) from None


def _local_cpus(resources: Resources) -> int:
    return max(os.cpu_count() or 1, math.ceil((resources.workers or 1) * resources.cpus))


def _fitting(resources: Resources) -> int:
    there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    fits = [there.get("CPU", 0.0) // resources.cpus]
    if resources.gpus:
        fits.append(there.get("GPU", 0.0) // resources.gpus)
    return max(int(min(fits)), 1)


def _token_file() -> Path | None:
    if os.environ.get("RAY_AUTH_MODE") == "disabled":
        return None
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", Path.home() / ".ray" / "auth_token"))
    return path if path.exists() else None
