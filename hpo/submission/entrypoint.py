"""Job on a cluster: its name, command line and environment variables."""

import os
import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from segada.cli import interruption
from segada.errors import InputError

RUNS = "SEGADA_RUNS"
"""Environment variable of the cluster's nodes with the shared folder for results."""
STOP_WAIT = 600
"""Seconds after which a job that was asked to stop is killed."""
VISITS_WAIT = STOP_WAIT - 60
"""Seconds, within `STOP_WAIT`, in which a job may finish its running visits."""

RESERVED = ("OMP_NUM_THREADS", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_")
"""Environment variables that the driver sets for its workers; Ray refuses duplicates."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def submission_id(study: str) -> str:
    """Returns a readable name for a job: the study's name and six random hexadecimal digits."""
    return f"{study}-{secrets.token_hex(3)}"


def entrypoint(space: str, study: str, out: str | None, options: Sequence[str]) -> str:
    """Returns the command for a shell on the head node.

    Args:
        space: path of the study file in the bundle.
        study: name of the study.
        out: run folder on the cluster; None uses a folder with the study's name in SEGADA_RUNS, or in `runs` of the
            user's home.
        options: further options of `python -m hpo.run`.

    Raises:
        InputError: the folder is not absolute; a relative one would be deleted with the job's files.
    """
    if out is not None and not PurePosixPath(out).is_absolute():
        raise InputError(f"--out {out}: must be absolute: it is a folder that all nodes of the cluster share")
    folder = f'"${{{RUNS}:-$HOME/runs}}/{study}"' if out is None else shlex.quote(out)
    words = ["python", "-m", "hpo.run", "--space", space]
    return f"{shlex.join(words)} --out {folder} --address auto {shlex.join(options)}".rstrip()


def environment(names: Sequence[str], here: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Returns the environment variables of the job and of its workers.

    Args:
        names: variables whose values are copied from this process.
        here: environment variables of this process.

    Raises:
        InputError: a variable is not set here, is reserved, or is given with a value.
    """
    for name in names:
        if not _NAME.fullmatch(name):
            # The message omits the text after the sign, which may be a secret.
            raise InputError(
                f"--env {name.partition('=')[0]}: takes the name of a variable alone; its value is taken from here, so "
                "that it is not in the shell history"
            )
        if name in RESERVED:
            raise InputError(f"--env {name}: the study itself sets it on its workers (run.runtime.threads)")
        if name not in here:
            raise InputError(f"--env {name}: this variable is not set here")
    waits = {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_WAIT), interruption.STOP_WAIT: str(VISITS_WAIT)}
    return {**waits, **{name: here[name] for name in names}}
