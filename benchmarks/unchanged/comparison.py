"""Compares two recordings, run by run, to the last bit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rich.table import Table

from benchmarks.unchanged.contents import Contents, Value, read_contents
from benchmarks.unchanged.recording import HIDDEN
from benchmarks.unchanged.words import translated_file
from segada.cli.console import terminal

SHOWN: Final = ("a", "b")
"""Names of the two recordings in messages."""


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """Result of the comparison of one run.

    Attributes:
        name: Name of the run.
        files: Number of files that both recordings have.
        tensors: Number of compared tensors.
        numbers: Number of compared numbers and texts, those in tensors included.
        difference: The first difference; empty if there is none.
    """

    name: str
    files: int
    tensors: int
    numbers: int
    difference: str


def compare(first: Path, second: Path, expected: Sequence[str] = ()) -> list[ComparedRun]:
    """Compares all runs that a recording has or should have.

    Args:
        first: Folder of a recording.
        second: Folder of another.
        expected: Names of runs that both should have.
    """
    names = dict.fromkeys((*expected, *_runs(first), *_runs(second)))
    return [_compare_run(name, first / name, second / name) for name in names]


def print_comparison(runs: Sequence[ComparedRun]) -> None:
    """Prints a line for each run."""
    table = Table()
    for column in ("run", "files", "tensors", "numbers", "first difference"):
        table.add_column(column, justify="left" if column in ("run", "first difference") else "right", overflow="fold")
    for run in runs:
        table.add_row(run.name, str(run.files), str(run.tensors), f"{run.numbers:,}", run.difference or "none")
    terminal().print(table)
    differing = sum(bool(run.difference) for run in runs)
    print(f"{differing} of {len(runs)} runs differ" if differing else f"all {len(runs)} runs are equal")


def _runs(recording: Path) -> list[str]:
    if not recording.is_dir():
        return []
    return sorted(path.name for path in recording.iterdir() if path.is_dir() and not path.name.startswith(HIDDEN))


def _compare_run(name: str, first: Path, second: Path) -> ComparedRun:
    missing = [shown for shown, folder in zip(SHOWN, (first, second), strict=True) if not folder.is_dir()]
    if missing:
        return ComparedRun(name, 0, 0, 0, f"missing in {' and '.join(missing)}")
    ours, theirs = _files(first), _files(second)
    both = [file for file in ours if file in theirs]
    differences = [_absent(file, file in ours) for file in sorted(ours.keys() ^ theirs.keys())]
    tensors = numbers = 0
    for file in both:
        differences += _differences(file, ours[file], theirs[file])
        compared = [value for path, value in ours[file].items() if path in theirs[file]]
        tensors += sum(value.array is not None for value in compared)
        numbers += sum(value.numbers for value in compared)
    if not both:
        differences.append("no file to compare")
    return ComparedRun(name, len(both), tensors, numbers, _summary(differences))


def _files(folder: Path) -> dict[str, Contents]:
    """Returns the contents of all files that are compared, by their path in new words."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    read = {str(path.relative_to(folder).with_name(translated_file(path.name))): read_contents(path) for path in paths}
    return {name: contents for name, contents in read.items() if contents is not None}


def _differences(file: str, first: Contents, second: Contents) -> list[str]:
    absent = [f"{file}{path}: {_absent('it', path in first)}" for path in sorted(first.keys() ^ second.keys())]
    unequal = []
    for path in (path for path in first if path in second):
        difference = _difference(first[path], second[path])
        if difference:
            unequal.append(f"{file}{path}: {difference}")
    return unequal + absent


def _difference(first: Value, second: Value) -> str:
    if first.kind != second.kind:
        return f"{first.kind} in {SHOWN[0]}, {second.kind} in {SHOWN[1]}"
    if first.array is None or second.array is None:
        return "" if first.text == second.text else f"{first.text} in {SHOWN[0]}, {second.text} in {SHOWN[1]}"
    unequal = np.flatnonzero(first.array != second.array)
    if not len(unequal):
        return ""
    return f"{len(unequal)} of {first.array.size} numbers differ, the first at {unequal[0]}"


def _absent(what: str, is_first: bool) -> str:
    return f"{what} is only in {SHOWN[not is_first]}"


def _summary(differences: Sequence[str]) -> str:
    if len(differences) < 2:
        return "".join(differences)
    return f"{differences[0]}; and {len(differences) - 1} more"
