"""Whether a folder is a study's: what may be begun in, gone on with, or moved aside."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from hpo.config.document import STUDY
from hpo.study.attributes import FOLDER_ID
from hpo.study.created_files import remove_named
from hpo.study.heartbeats import DRIVERS, is_driver
from hpo.study.journal.file import JOURNAL, JOURNAL_LOCK
from segada.core.run_names import RUN_FILES, draft
from segada.errors import InputError
from segada.settings.files import check_regular

LOCK = "driver.lock"
"""In a study's folder: whoever has its lock decides who does what. Nobody has it for longer than a decision takes."""
COMPARISON = ("comparison.json", "comparison.csv", "comparison.html")
"""What a comparison of studies writes beside them."""
COPY = "copy"
"""Name of the folder in which a run is copied until all of it is there, as that of a draft."""
CURE = "name a new or an empty folder with --out"

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
"""What Ray Tune leaves in the scratch folder of a driver, as patterns."""


def holds_study(out: Path) -> bool:
    """Whether a driver has begun a study in a folder."""
    # A study file that somebody wrote may have the same name; it has no lock beside it.
    return (out / JOURNAL).is_file() or ((out / STUDY).is_file() and (out / LOCK).is_file())


def check_free(out: Path) -> None:
    """Refuses a folder that holds what is no study's, unless there is a study in it.

    Raises:
        InputError: it does; the first of it is named.
    """
    for name in (JOURNAL, STUDY, LOCK, JOURNAL_LOCK):
        check_regular(out / name)
    # In this order: another driver may begin the study meanwhile.
    first = _foreign(out)
    if first is not None and not holds_study(out):
        raise InputError(f"{out}: holds {first} and no study, so none is begun there; {CURE}")


def check_comparison(out: Path) -> None:
    """Refuses a folder for a comparison of studies, unless it is new or empty or holds studies or a comparison.

    Raises:
        InputError: it holds something else, or a file that the comparison would replace.
    """
    if not out.is_dir() or (out / COMPARISON[0]).is_file():
        return
    in_the_way = next((name for name in COMPARISON if (out / name).exists()), None)
    if in_the_way is not None:
        raise InputError(f"{out}: holds a {in_the_way} of something else, which would be replaced; {CURE}")
    entries = sorted(out.iterdir())
    if entries and not any(entry.is_dir() and _is_begun(entry) for entry in entries):
        raise InputError(f"{out}: holds {entries[0].name} and no study, so none is compared there; {CURE}")


def check_study_movable(out: Path) -> None:
    """Refuses a folder of a study that --new may not move aside.

    Raises:
        InputError: it is no study's, in use as the current folder, or a whole file system.
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
    """Removes a study and all its runs by the names of their files; whatever else is in its folder stays."""
    remove_named(out, _FILES)


def _foreign(out: Path) -> str | None:
    """The first thing in a folder that is none of what a study may have left there before it was begun."""
    if not out.is_dir():
        return None
    for entry in sorted(out.iterdir()):
        is_ours = _LEFT.get(entry.name, _is_draft)
        if not is_ours(entry):
            return entry.name
    return None


def _is_begun(out: Path) -> bool:
    """Whether there is a study, or what a driver or a comparison leaves before there is one."""
    return holds_study(out) or (any(out.iterdir()) and _foreign(out) is None)


def _is_draft(path: Path) -> bool:
    return any(path.match(pattern) for pattern in _DRAFTS)


def _is_run(path: Path) -> bool:
    return (path / "settings.yaml").is_file() or _is_draft(path)


def _is_card(path: Path) -> bool:
    return path.suffix == ".json" and is_driver(path.stem)


def _is_beside_the_lock(path: Path) -> bool:
    return path.is_file() and path.with_name(LOCK).is_file()


def _every(is_ours: Callable[[Path], bool]) -> Callable[[Path], bool]:
    """Whether a folder has nothing but such entries."""
    return lambda folder: folder.is_dir() and all(map(is_ours, folder.iterdir()))


_DRAFTS = tuple(draft(name) for name in (FOLDER_ID, STUDY, COPY))
_LEFT: Mapping[str, Callable[[Path], bool]] = MappingProxyType(
    {
        LOCK: Path.is_file,
        JOURNAL_LOCK: Path.is_file,
        FOLDER_ID: _is_beside_the_lock,
        "log.txt": _is_beside_the_lock,
        DRIVERS: _every(_is_card),
        "ray": _every(lambda path: is_driver(path.name)),
        "wandb": lambda path: (path / "known").is_dir(),
        "source": _is_run,
        "baselines": _every(_is_run),
        "confirmation": _every(_is_run),
        "sweep": _every(lambda path: path.suffix == ".yaml" or path.is_dir()),
    }
)
"""What may be in a folder without a study, by name: a main job was killed or refused as it began, runs were taken over
from another study of a comparison, or agents of W&B have worked there."""
_RUNS = ("source", "baselines/*", "trials/*", "confirmation/*")
_FILES = (
    *(LOCK, JOURNAL_LOCK, JOURNAL, f"{JOURNAL}.*", FOLDER_ID, STUDY, "log.txt", "gpu_share.json"),
    *(f"{name}.damaged*" for name in (STUDY, "failures.json", "gpu_share.json")),
    *("failures.json", "results.csv", "report.html", "best/confirmation.json", "best/settings.yaml"),
    *("best/weights.safetensors", draft("*"), draft("best/*"), f"{DRIVERS}/*.json"),
    *(f"ray/*/{name}" for name in ("", *SCRATCH)),
    *(f"{run}/{name}" for run in _RUNS for name in (*RUN_FILES, "checkpoint/", "panels/", "tables/", "")),
)
"""Everything that a study may leave, as patterns."""
