"""Checks of run folders: whether a study can be started, resumed or moved aside in a folder."""

import errno
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from hpo.config.document import STUDY
from hpo.config.program import PLACE
from hpo.config.program import RUN_FILES as PROGRAM_FILES
from hpo.study.attributes import FOLDER_ID
from hpo.study.created_files import remove_named
from hpo.study.heartbeats import DRIVERS, is_driver
from hpo.study.journal.file import JOURNAL, JOURNAL_LOCK
from segada.core.run_names import RUN_FILES, draft
from segada.errors import InputError
from segada.settings.inputs import check_regular

LOCK = "driver.lock"
"""Lock file in a study's folder; its owner decides which driver runs what, and holds it only during a decision."""
COMPARISON = ("comparison.json", "comparison.csv", "comparison.html")
"""Files that a comparison of studies writes beside them."""
COPY = "copy"
"""Name of the temporary folder, named as a draft, for a run that is being copied."""
CURE = "name a new or an empty folder with --out"
NEVER = (errno.EROFS, errno.EACCES, errno.EPERM)
"""Errors of a folder that could not be written at the start of a command: waiting does not help."""

SCRATCH = (
    ".validate_storage_marker",
    ".tmp*",
    "tuner.pkl",
    "trainable.pkl",
    "experiment_state-*.json",
    "search_gen_state-*.json",
    "searcher-state-*.pkl",
    "*/",
    "*/error.txt",
    "*/error.pkl",
)
"""Patterns of the files that Ray Tune leaves in a driver's scratch folder."""


def holds_study(out: Path) -> bool:
    """Returns True if a driver has started a study in the folder."""
    # A study file written by the user may have the same name, but has no lock beside it.
    return (out / JOURNAL).is_file() or ((out / STUDY).is_file() and (out / LOCK).is_file())


def unwritable(out: Path, failure: OSError) -> InputError:
    """Returns the error of a study whose folder accepts nothing, for a reason of `NEVER`."""
    return InputError(
        f"{out}: its study cannot go on, because nothing can be written there ({failure.strerror}); make it "
        f"writable for this user, or go on in a copy: cp -r {shlex.quote(str(out))} COPY, and --out COPY"
    )


def check_free(out: Path) -> None:
    """Refuses a folder that holds other files and no study.

    Raises:
        InputError: the folder holds other files; the message names the first.
    """
    for name in (JOURNAL, STUDY, LOCK, JOURNAL_LOCK):
        check_regular(out / name)
    # This order matters: another driver may start the study meanwhile.
    first = _foreign(out)
    if first is not None and not holds_study(out):
        raise InputError(f"{out}: holds {first} and no study, so no study is started there; {CURE}")


def check_comparison(out: Path) -> None:
    """Refuses a folder for a comparison of studies unless it is new, empty, or holds studies or a comparison.

    Raises:
        InputError: the folder holds other files, or a file that the comparison would replace.
    """
    if not out.is_dir() or (out / COMPARISON[0]).is_file():
        return
    in_the_way = next((name for name in COMPARISON if (out / name).exists()), None)
    if in_the_way is not None:
        raise InputError(f"{out}: holds a {in_the_way} of something else, which would be replaced; {CURE}")
    entries = sorted(out.iterdir())
    if entries and not any(entry.is_dir() and _is_begun(entry) for entry in entries):
        raise InputError(f"{out}: holds {entries[0].name} and no study, so no comparison is written there; {CURE}")


def check_study_movable(out: Path) -> None:
    """Refuses a folder of a study that --new may not move aside.

    Raises:
        InputError: it does not hold a study, is the current folder or above it, or is a file system of its own.
    """
    first = _foreign(out)
    if first is not None and not holds_study(out):
        raise InputError(f"{out}: holds {first} and no study, so --new does not move it aside; {CURE}")
    check_movable(out)


def check_movable(out: Path) -> None:
    """Refuses a folder that cannot be renamed.

    Raises:
        InputError: it is in use as the current folder, or a whole file system.
    """
    here = Path.cwd()
    if out in (here, *here.parents):
        raise InputError(f"{out}: is the current folder or above it, so --new does not move it aside; leave it first")
    if out.is_mount():
        raise InputError(f"{out}: is a file system of its own, which --new cannot move aside; {CURE}")


def remove_study(out: Path) -> None:
    """Removes a study and all its runs by the names of their files; other files in its folder stay."""
    remove_named(out, _FILES)


def _foreign(out: Path) -> str | None:
    """Returns the first entry of a folder that a study does not leave before it is started; None if there is none."""
    if not out.is_dir():
        return None
    for entry in sorted(out.iterdir()):
        is_ours = _LEFT.get(entry.name, _is_draft)
        if not is_ours(entry):
            return entry.name
    return None


def _is_begun(out: Path) -> bool:
    """Returns True if the folder holds a study, or files that a driver or a comparison leaves before a study exists."""
    return holds_study(out) or (any(out.iterdir()) and _foreign(out) is None)


def _is_draft(path: Path) -> bool:
    return any(path.match(pattern) for pattern in _DRAFTS)


def _is_run(path: Path) -> bool:
    return (path / "settings.yaml").is_file() or (path / PLACE).is_dir() or _is_draft(path)


def _is_record(path: Path) -> bool:
    return path.suffix == ".json" and is_driver(path.stem)


def _is_beside_the_lock(path: Path) -> bool:
    return path.is_file() and path.with_name(LOCK).is_file()


def _every(is_ours: Callable[[Path], bool]) -> Callable[[Path], bool]:
    """Returns a test for folders in which every entry passes `is_ours`."""
    return lambda folder: folder.is_dir() and all(map(is_ours, folder.iterdir()))


_DRAFTS = tuple(draft(name) for name in (FOLDER_ID, STUDY, COPY))
_LEFT: Mapping[str, Callable[[Path], bool]] = MappingProxyType(
    {
        LOCK: Path.is_file,
        JOURNAL_LOCK: Path.is_file,
        FOLDER_ID: _is_beside_the_lock,
        "log.txt": _is_beside_the_lock,
        DRIVERS: _every(_is_record),
        "ray": _every(lambda path: is_driver(path.name)),
        "wandb": lambda path: (path / "known").is_dir(),
        "source": _is_run,
        "sources": _every(_is_run),
        "baselines": _every(_is_run),
        "confirmation": _every(_is_run),
        "sweep": _every(lambda path: path.suffix == ".yaml" or path.is_dir()),
    }
)
"""Tests of what a folder without a study may hold, by name: a driver was killed or refused at its start, runs were
copied
from another study of a comparison, or agents of W&B have worked there.
"""
_RUNS = ("source", "sources/*", "baselines/*", "trials/*", "confirmation/*")
_OF_RUNS = (*RUN_FILES, "checkpoint/", "panels/", "tables/", *PROGRAM_FILES, "")
_FILES = (
    *(LOCK, JOURNAL_LOCK, JOURNAL, f"{JOURNAL}.*", FOLDER_ID, STUDY, "log.txt", "gpu_share.json"),
    *(f"{name}.damaged*" for name in (STUDY, "failures.json", "gpu_share.json")),
    *("failures.json", "results.csv", "report.html", "best/confirmation.json", "best/settings.yaml"),
    *("best/weights.safetensors", draft("*"), draft("best/*"), f"{DRIVERS}/*.json"),
    *(f"ray/*/{name}" for name in ("", *SCRATCH)),
    *(f"{run}/{name}" for run in _RUNS for name in _OF_RUNS),
)
"""Patterns of all files that a study may leave."""
