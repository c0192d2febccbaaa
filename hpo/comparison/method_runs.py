"""Runs of a comparison of methods: which there are, which are finished, and the others as child processes."""

import json
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pydantic import TypeAdapter

from hpo.comparison.engine_process import EngineProcess
from segada.artifacts.run_files import read, read_report, read_settings, settings_text
from segada.cli.exit_codes import DONE, INTERRUPTED, WRONG_INPUT
from segada.core.atomic_io import write_text
from segada.core.storage_errors import StorageError
from segada.errors import InputError
from segada.records import RunReport
from segada.settings import RunSettings

RUNS_AT_A_TIME: Final = "runs_at_a_time.json"
"""File of a comparison: most runs there were at a time while a run was measured, by the name of its folder."""
POLL_SECONDS: Final = 0.05
"""Time between two looks at the child processes."""

_COUNTS = TypeAdapter(dict[str, int])


@dataclass(frozen=True, slots=True)
class MethodRun:
    """One method with one seed."""

    method: str
    folder: Path
    settings: RunSettings

    @property
    def name(self) -> str:
        """Name in messages."""
        return f"{self.method} seed {self.settings.seed}"

    def report(self) -> RunReport | None:
        """Returns its result; None if it is not finished."""
        return finished_report(self.folder, self.settings)


def finished_report(folder: Path, settings: RunSettings) -> RunReport | None:
    """Returns the report in the folder of a run, if it is finished and one of these settings."""
    report = read_report(folder).value
    return report if report is not None and report.settings_hash == settings.settings_hash() else None


def most_at_a_time(out: Path, runs: Sequence[MethodRun]) -> int:
    """Returns how many runs there were at most at a time while one of these was measured."""
    counts = _runs_at_a_time(out)
    return max(counts.get(run.folder.name, 1) for run in runs)


def check_own_runs(runs: Sequence[MethodRun]) -> None:
    """Refuses folders of other runs; writes nothing.

    Raises:
        InputError: a folder holds a run of other settings.
    """
    for run in runs:
        held = read_settings(run.folder).value
        if held is None:
            continue
        if (held.settings_hash(), held.logging) != (run.settings.settings_hash(), run.settings.logging):
            raise InputError(
                f"{run.folder / 'settings.yaml'}: holds a run of other settings (hash {held.settings_hash()}, not "
                f"{run.settings.settings_hash()}); choose another folder, or take the file that it was begun with"
            )


def train(settings: RunSettings, folder: Path) -> None:
    """Trains a source model, or finishes its training.

    Raises:
        InputError: it cannot be trained; with the reason.
        StorageError: the file system takes nothing more.
    """
    with TemporaryDirectory() as drafts:
        failure = next(_finished([("pretrain", "segada.pretrain", folder, settings)], Path(drafts), 1))[1]
    if failure is not None:
        raise InputError(f"pretrain: {failure}")


def carry_out(runs: Sequence[MethodRun], out: Path, jobs: int) -> Iterator[tuple[MethodRun, str | None]]:
    """Does runs, or what is left of them, and yields each as it ends, with the reason if it did not finish.

    Args:
        runs: Runs that are not finished.
        out: Folder of the comparison.
        jobs: Processes at a time.

    Raises:
        InputError: a process was killed.
        StorageError: the file system takes nothing more.
    """
    at_a_time = min(jobs, len(runs))
    by_name = {run.folder.name: run for run in runs}
    commands = [(name, "segada.adapt", run.folder, run.settings) for name, run in by_name.items()]
    with TemporaryDirectory() as drafts:
        for name, failure in _finished(commands, Path(drafts), at_a_time, out):
            yield by_name[name], failure


_Command = tuple[str, str, Path, RunSettings]
"""Name, module, folder and settings of a run."""


def _finished(
    commands: Sequence[_Command], drafts: Path, at_a_time: int, out: Path | None = None
) -> Iterator[tuple[str, str | None]]:
    """Runs commands, some at a time, and yields the name of each that ended, with the reason if it failed."""
    waiting = deque(commands)
    running: dict[str, EngineProcess] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_a_time:
                name, module, folder, settings = waiting.popleft()
                if out is not None:
                    _note_runs_at_a_time(out, name, at_a_time)
                file = drafts / f"{name}.yaml"
                file.write_text(settings_text(settings))
                words = [module, str(file), "--out", str(folder)]
                running[name] = EngineProcess(words, drafts / f"{name}.err", alone=at_a_time == 1)
            ended = [name for name, process in running.items() if process.exit_code() is not None]
            for name in ended:
                yield name, _failure(running.pop(name), at_a_time)
            if not ended:
                time.sleep(POLL_SECONDS)
    finally:
        # A run that is killed goes on from its last visit when the comparison is started again.
        for process in running.values():
            process.kill()


def _failure(process: EngineProcess, at_a_time: int) -> str | None:
    code = process.exit_code()
    if code == DONE:
        return None
    if code == INTERRUPTED:
        raise StorageError(process.problem())
    if code is not None and code < 0:
        raise InputError(
            f"one of {at_a_time} processes was killed, as the system does where memory is short; go on with fewer "
            "--jobs"
        )
    if code != WRONG_INPUT:
        raise RuntimeError(process.errors())
    return process.problem()


def _runs_at_a_time(out: Path) -> Mapping[str, int]:
    nothing: dict[str, int] = {}
    return read(out / RUNS_AT_A_TIME, _COUNTS.validate_json, nothing).value


def _note_runs_at_a_time(out: Path, name: str, count: int) -> None:
    counts = _runs_at_a_time(out)
    noted = {**counts, name: max(count, counts.get(name, 1))}
    if noted != counts:
        write_text(out / RUNS_AT_A_TIME, json.dumps(noted, indent=1) + "\n")
