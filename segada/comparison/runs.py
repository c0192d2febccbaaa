"""The runs of a comparison: which there are, which are done, and doing the others, several at a time."""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.queues import Queue
from pathlib import Path
from threading import Thread
from typing import Final

from segada.artifacts.run_dir import RunDir
from segada.artifacts.run_files import read, read_report
from segada.core.atomic_io import write_text
from segada.engine.run_data import RunData, run_data_key
from segada.engine.runner import Diverged, Run
from segada.engine.shared_data import SharedRunData, packed
from segada.errors import InputError
from segada.records import RunReport
from segada.settings import RunSettings

COMPANY: Final = "company.txt"
"""File of a run's folder: how many runs there were at a time while it was measured."""


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One method with one seed."""

    method: str
    folder: Path
    settings: RunSettings

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.method} seed {self.settings.seed}"

    def report(self) -> RunReport | None:
        """Its result; None if it is not finished."""
        return finished_report(self.folder, self.settings)

    def parallel_runs(self) -> int:
        """Most runs there were at a time while it was measured, itself included."""
        return read(self.folder / COMPANY, int, 1).value


def finished_report(folder: Path, settings: RunSettings) -> RunReport | None:
    """The report in the folder of a run, if it is finished and one of these settings."""
    report = read_report(folder).value
    return report if report is not None and report.settings_hash == settings.settings_hash() else None


def claim(runs: Sequence[ComparedRun]) -> None:
    """Writes every run's settings into its folder.

    Raises:
        InputError: a folder holds a run of other settings; then nothing was written.
    """
    for run in sorted(runs, key=lambda run: not run.folder.exists()):
        try:
            RunDir(run.folder).claim(run.settings)
        except ValueError as error:
            raise InputError(f"{error}, or take the recipe that it was begun with") from error


def carry_out(
    runs: Sequence[ComparedRun], prepared: Mapping[str, RunData], jobs: int
) -> Iterator[tuple[ComparedRun, str | None]]:
    """Does runs, or what is left of them, and gives each as it ends, with the reason if it diverged.

    Args:
        runs: That are not finished.
        prepared: By `run_data_key`.
        jobs: Processes; 1 does without others.

    Raises:
        InputError: a method cannot be built from its settings, or a process was killed.
    """
    parallel_runs = min(jobs, len(runs))
    if parallel_runs == 1:
        for run in runs:
            yield run, _finish(run, prepared, parallel_runs)
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    spawn = multiprocessing.get_context("spawn")
    shared = spawn.Queue()
    # Who interrupts before every worker has its frames does not wait for them.
    shared.cancel_join_thread()
    pool = ProcessPoolExecutor(parallel_runs, spawn, _begin_worker, (shared,))
    try:
        with _without_interrupts():
            futures = {pool.submit(_finish_in_worker, run, parallel_runs): run for run in runs}
        shared_data = _packed(runs, prepared)
        for _ in range(parallel_runs):
            shared.put(shared_data)
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as failure:
        raise InputError(
            f"one of {parallel_runs} processes was killed, as the system does where memory is short; use fewer --jobs"
        ) from failure
    except BaseException:
        # What a worker has begun goes on from its checkpoint the next time; nobody waits for its end now.
        for worker in multiprocessing.active_children():
            worker.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _finish(run: ComparedRun, prepared: Mapping[str, RunData], parallel_runs: int) -> str | None:
    write_text(run.folder / COMPANY, f"{max(parallel_runs, run.parallel_runs())}\n")
    try:
        adaptation = Run(run.settings, prepared[run_data_key(run.settings)], run.folder)
        while not adaptation.finished:
            adaptation.next_visit()
    except Diverged as failure:
        return str(failure)
    except ValueError as error:
        raise InputError(f"methods.{run.method}: {error}") from error
    return None


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait until the end; processes that are begun inside never get them: the command ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _packed(runs: Sequence[ComparedRun], prepared: Mapping[str, RunData]) -> dict[str, SharedRunData]:
    settings = {run_data_key(run.settings): run.settings for run in runs}
    return {key: packed(prepared[key], settings[key]) for key in settings}


_prepared_data: Mapping[str, RunData] = {}


def _begin_worker(shared: "Queue[Mapping[str, SharedRunData]]") -> None:
    global _prepared_data  # noqa: PLW0603 - what a process of a pool knows, it knows by a global name
    # When the command is killed, its workers end by themselves.
    Thread(target=_end_with_parent, daemon=True).start()
    _prepared_data = {key: part.unpacked() for key, part in shared.get().items()}


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _finish_in_worker(run: ComparedRun, parallel_runs: int) -> str | None:
    return _finish(run, _prepared_data, parallel_runs)
