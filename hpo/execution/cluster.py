"""Connection to a Ray cluster, or a local Ray, without Ray's own output."""

import atexit
import gc
import logging
import math
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ray
from ray._private.worker import BaseContext

from hpo.execution.address import answering, no_cluster
from hpo.execution.lifeline import Lifeline
from hpo.execution.places import check_temporary_folder, small_shared_memory
from hpo.execution.privacy import default_token_path, ensure_private_token, withheld
from segada.cli.interruption import INTERRUPTED, interrupt_main
from segada.errors import InputError

_QUIET = {
    # Disables Tune's own log files, its progress output, and its handling of Ctrl-C.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
    # Tune's snapshots of all trials grow with their number, and are never used.
    "TUNE_GLOBAL_CHECKPOINT_S": str(10**9),
    # Relative paths in settings start from the user's current folder, not from a trial's folder.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # A search on a closed network must not wait for Ray's usage statistics server.
    "RAY_USAGE_STATS_ENABLED": "0",
}

_KEEP_FREED_MEMORY = {
    # glibc hands large freed tensors back to the system and faults every page in again at the next step; the workers
    # have the memory anyway. This changes no arithmetic.
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(4 << 30),
    "MALLOC_TOP_PAD_": str(64 << 20),
}


_OWN = {
    # Ray exits the driver's process, past every `finally`, when one of Ray's processes is lost. `Lifeline` detects the
    # loss earlier.
    "RAY_gcs_rpc_server_reconnect_timeout_s": "3600",
    "RAY_health_check_failure_threshold": "1000",
}
"""Environment variables for a Ray that only this driver uses."""

_NOT_STARTED = "node timed out during startup"
"""Text of Ray's error when its node manager does not start."""

_ACCELERATOR = "accelerator_type:"
"""Prefix of the Ray resource that a node with GPUs of a type has."""


@dataclass(frozen=True)
class Resources:
    """Resources of the trials.

    Attributes:
        workers: Number of trials that run at the same time; None runs as many as fit.
        cpus: CPU cores per trial.
        gpus: GPUs per trial; a fraction shares a GPU.
        threads: Threads of the numeric libraries per trial.
        accelerator: Type of the GPUs, by Ray's name; None accepts any.
    """

    workers: int | None
    cpus: float
    gpus: float
    threads: int
    accelerator: str | None = None

    @property
    def kind(self) -> dict[str, float]:
        """Custom Ray resource that selects the type of GPU; the requested amount is negligible."""
        return {} if self.accelerator is None else {f"{_ACCELERATOR}{self.accelerator}": 0.001}


@dataclass(frozen=True)
class Cluster:
    """Running Ray cluster.

    Attributes:
        dashboard: URL of the dashboard; None if there is none.
        token_command: Command that prints the dashboard's token; None if it needs none.
        workers: Number of trials that run at the same time.
        resources: Resources of each trial.
        note: Sentence on what makes it slower than it could be; None if nothing does.
        lost: Function that names the lost Ray process; None if all are alive.
    """

    dashboard: str | None
    token_command: str | None
    workers: int
    resources: Resources
    lost: Callable[[], str | None] = lambda: None
    note: str | None = None


@contextmanager
def cluster(
    resources: Resources, address: str | None, on_loss: Callable[[str], None] = lambda _: None
) -> Iterator[Cluster]:
    """Connects to the cluster at `address` or RAY_ADDRESS, or starts Ray on this machine, on loopback.

    Args:
        resources: resources of the trials.
        address: address of the cluster; None uses RAY_ADDRESS if it is set.
        on_loss: called, possibly in another thread, with the lost Ray process; then the context is interrupted.

    Raises:
        InputError: no cluster answers at the address, or the cluster is too small for a single trial.
        KeyboardInterrupt: Ray is lost.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    address = address or os.environ.get("RAY_ADDRESS")
    if address is not None:
        address = answering(address)
    else:
        # Workers inherit this; a runtime environment has the same effect but delays the start of every worker.
        os.environ.update(_numerics(resources))
        for name, value in _OWN.items():
            os.environ.setdefault(name, value)
        check_temporary_folder()
    note = None if address is not None else small_shared_memory()
    lifeline: Lifeline | None = None
    try:
        context = _started(resources, on_loss) if address is None else _connected(resources, address)
        lifeline = Lifeline(is_own=address is None)
        lifeline.watch(lambda what: _interrupt(on_loss, what))
        for name in ("ray.tune", "ray.train", "ray.air"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        dashboard = f"http://{context.dashboard_url}" if context.dashboard_url else None
        # An autoscaling cluster has no nodes before trials wait for them, so a given number of workers is not checked.
        is_believed = address is not None and resources.workers is not None
        fit = 0 if is_believed else fitting(resources)
        yield Cluster(dashboard, _token_command(), resources.workers or fit, resources, lifeline.lost, note)
    except (Exception, KeyboardInterrupt) as error:
        what = None if lifeline is None else lifeline.lost()
        if what is None:
            raise
        on_loss(what)
        raise KeyboardInterrupt(what) from error
    finally:
        _leave(lifeline)


def _interrupt(on_loss: Callable[[str], None], what: str) -> None:
    on_loss(what)
    interrupt_main()


def _leave(lifeline: Lifeline | None) -> None:
    if lifeline is not None:
        lifeline.close()
    if lifeline is None or lifeline.found is None:
        ray.shutdown()
    else:
        # Neither Ray nor Tune is ended here: both would wait for the process that is gone. The kernel ends the rest of
        # Ray with this process. Until then no garbage collection may finalize Tune's objects, which ask Ray, too.
        gc.freeze()
        atexit.register(_end_process)


def _end_process() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)


def _started(resources: Resources, on_loss: Callable[[str], None]) -> BaseContext:
    """Starts Ray on this machine.

    Ray waits 30 s for its node manager, in a call that no signal interrupts, and fails with an exception of no class.
    """
    try:
        return _connected(resources, None)
    except Exception as error:
        if _NOT_STARTED not in str(error):
            raise
        what = "Ray did not start: its node manager (raylet) ended, or did not answer within 30 s"
        on_loss(what)
        raise KeyboardInterrupt(what) from error


def _connected(resources: Resources, address: str | None) -> BaseContext:
    on_sigterm = signal.getsignal(signal.SIGTERM)
    if address in (None, "local"):
        ensure_private_token()
    # Ray's processes inherit the blocked SIGTERM: a SIGTERM to the process group or the whole job is for the driver,
    # which stops them when it no longer needs them. Ray does the same with SIGINT.
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    is_asked_to_stop = False
    try:
        with withheld():
            return ray.init(
                address=address or "local",
                num_cpus=None if address else _local_cpus(resources),
                include_dashboard=None if address else True,
                dashboard_host="127.0.0.1",
                runtime_env={"env_vars": _numerics(resources)} if address else None,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
            )
    except ConnectionError as error:
        raise no_cluster(str(address), error) from None
    except SystemExit:
        is_asked_to_stop = True
        raise
    finally:
        # Ray has replaced the handler by its own, which raises SystemExit.
        signal.signal(signal.SIGTERM, on_sigterm)
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        if is_asked_to_stop:
            signal.raise_signal(signal.SIGTERM)


def _numerics(resources: Resources) -> dict[str, str]:
    """Returns the environment variables of worker processes."""
    return {"OMP_NUM_THREADS": str(resources.threads), **_KEEP_FREED_MEMORY}


def _local_cpus(resources: Resources) -> int | None:
    """Returns the number of CPUs that Ray assumes for this machine; None lets Ray detect it, also in containers."""
    return None if resources.workers is None else math.ceil(resources.workers * resources.cpus)


def fitting(resources: Resources) -> int:
    """Returns the number of trials that fit at the same time; each has to fit on one node.

    Raises:
        InputError: no trial fits.
    """
    wanted = {"CPU": resources.cpus, "GPU": resources.gpus}
    nodes: list[dict[str, float]] = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    if resources.accelerator is not None:
        nodes = _having(resources.accelerator, nodes)
    trials = sum(
        min(int(node.get(name, 0.0) // amount) for name, amount in wanted.items() if amount > 0) for node in nodes
    )
    if trials == 0:
        raise InputError(_too_small(wanted, nodes))
    return trials


def kinds_of_gpus() -> list[str]:
    """Lists the types of GPUs that the nodes have now, by Ray's names."""
    nodes: list[dict[str, float]] = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    return _kinds([node for node in nodes if node.get("GPU", 0.0) > 0.0])


def _having(accelerator: str, nodes: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    having = [node for node in nodes if f"{_ACCELERATOR}{accelerator}" in node]
    if not having:
        raise InputError(
            f"resources.accelerator is {accelerator}, but no node of this Ray has one; there are "
            f"{', '.join(_kinds(nodes)) or 'none of any kind'}"
        )
    return having


def _kinds(nodes: Sequence[Mapping[str, float]]) -> list[str]:
    return sorted({name.removeprefix(_ACCELERATOR) for node in nodes for name in node if _ACCELERATOR in name})


def _too_small(wanted: Mapping[str, float], nodes: Sequence[Mapping[str, float]]) -> str:
    largest = {name: max((node.get(name, 0.0) for node in nodes), default=0.0) for name in wanted}
    # If each amount alone fits on some node, no node has both.
    lacking = [name for name in wanted if wanted[name] > largest[name]] or list(wanted)
    asked = " and ".join(f"resources.{name.lower()}s_per_trial is {wanted[name]:g}" for name in lacking)
    there = " or ".join(f"{largest[name]:g} {name}" for name in lacking)
    most = "both; there is at most" if len(lacking) > 1 else "more than"
    return (
        f"{asked}, but no node of this Ray has {most} {there}; ask for less, or give the --address of a larger cluster"
    )


def _token_command() -> str | None:
    """Returns the command that prints Ray's token; the places are searched in Ray's own order."""
    if os.environ.get("RAY_AUTH_MODE") == "disabled":
        return None
    if "RAY_AUTH_TOKEN" in os.environ:
        return 'echo "$RAY_AUTH_TOKEN"'
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or default_token_path())
    return f"cat {shlex.quote(str(path))}" if path.exists() else None
