"""The job that a cluster is given: its name, its command line and its environment."""

import os
import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from segada.cli import interruption
from segada.errors import InputError

RUNS = "SEGADA_RUNS"
"""Variable of the cluster's nodes: the folder that they share for results."""
STOP_WAIT = 600
"""Seconds after which a job that is told to stop is killed."""
VISITS_WAIT = STOP_WAIT - 60
"""Of these, seconds in which it may finish the visits that run."""

RESERVED = ("OMP_NUM_THREADS", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_")
"""Variables that the main job itself gives its workers; Ray refuses to be told of one twice."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def submission_id(study: str) -> str:
    """A name for a job that a person can read and type: the study's and six digits that tell its jobs apart."""
    return f"{study}-{secrets.token_hex(3)}"


def entrypoint(space: str, study: str, out: str | None, options: Sequence[str]) -> str:
    """What a shell on the head node runs.

    Args:
        space: the study file, as it is called there.
        study: the study's name.
        out: folder of the results there; None is the study's own in SEGADA_RUNS, or in `runs` of that user's home.
        options: further ones of `python -m hpo.run`.

    Raises:
        InputError: the folder is not absolute; a relative one would be deleted with the job's files.
    """
    if out is not None and not PurePosixPath(out).is_absolute():
        raise InputError(f"--out {out}: must be absolute: it is a folder that all nodes of the cluster share")
    folder = f'"${{{RUNS}:-$HOME/runs}}/{study}"' if out is None else shlex.quote(out)
    words = ["python", "-m", "hpo.run", "--space", space]
    return f"{shlex.join(words)} --out {folder} --address auto {shlex.join(options)}".rstrip()


def environment(names: Sequence[str], here: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables of the job and of its workers.

    Args:
        names: variables whose values are taken from here.
        here: the variables of this process.

    Raises:
        InputError: a variable is not set here, is set by the study, or a value is given.
    """
    for name in names:
        if not _NAME.fullmatch(name):
            # Not the whole text: what stands behind the sign may be a secret.
            raise InputError(
                f"--env {name.partition('=')[0]}: takes the name of a variable alone; its value is taken from here, so "
                "that it stands in no history of commands"
            )
        if name in RESERVED:
            raise InputError(f"--env {name}: the study itself sets it on its workers (run.runtime.threads)")
        if name not in here:
            raise InputError(f"--env {name}: this variable is not set here")
    waits = {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_WAIT), interruption.STOP_WAIT: str(VISITS_WAIT)}
    return {**waits, **{name: here[name] for name in names}}
