"""study.yaml in a study's folder: the complete study file, and the versions that its sessions ran with."""

import platform
import re
import shutil
import subprocess
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path

import yaml

from hpo.config.document import STUDY
from hpo.config.study_file import StudyFile, load_written
from segada.core.atomic_io import keep_damaged, write_text
from segada.errors import InputError

_FORMER = "# sessions before, newest first:"


_PACKAGES = ("segada", "torch", "ray", "optuna", "deap", "numpy")


def write_study(file: StudyFile, out: Path) -> list[str]:
    """Writes study.yaml: every default filled in, and at the top, as comments, the versions of every session.

    Returns:
        Sentences on damage of the previous file, which is kept under another name; empty if it was intact.
    """
    path = out / STUDY
    damaged = [] if not path.exists() else _kept_study(path)
    versions = ", ".join(f"{package} {version(package)}" for package in _PACKAGES)
    head = [f"# git revision {_revision()}", f"# python {platform.python_version()}, {versions}"]
    former = provenance(path)
    if former[: len(head)] == head:
        former = former[len(head) :]
    elif former:
        former = [_FORMER, *(line for line in former if line != _FORMER)]
    body = yaml.safe_dump(file.resolved(), sort_keys=False, allow_unicode=True)
    write_text(path, "\n".join([*head, *former, body]))
    return damaged


def _kept_study(path: Path) -> list[str]:
    try:
        load_written(path.parent)
    except InputError as error:
        said = str(error).partition(";")[0]
        return [f"{said}; it is kept as {keep_damaged(path).name} and written again"]
    return []


def provenance(path: Path) -> list[str]:
    """Returns the comments at the top of a study.yaml, revision and versions by session; empty if there is no file."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return list(takewhile(lambda line: line.startswith("#"), lines))


def engine() -> str:
    """Returns the revision and the version of the engine that runs now."""
    return f"segada {version('segada')}, git revision {_revision()}"


def engines(path: Path) -> list[str]:
    """Returns the engines of the sessions that a study.yaml names, newest first."""
    text = "\n".join(provenance(path))
    found = re.findall(r"# git revision (\S+)\n# .*\bsegada ([^,\s]+)", text)
    return [f"segada {number}, git revision {revision}" for revision, number in found]


def _revision() -> str:
    """Returns the git revision of the checkout of this file; an installed package may lie in another repository."""
    git, here = shutil.which("git"), Path(__file__)
    if git is None or not _answer(git, "ls-files", here.name):
        return "unknown"
    return _answer(git, "describe", "--always", "--dirty", "--abbrev=12") or "unknown"


def _answer(*command: str) -> str:
    return subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    ).stdout.strip()
