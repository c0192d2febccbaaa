"""Searches from a script or a notebook: what `hpo run` does, with errors as exceptions and results as objects."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna

from hpo.config.study_file import StudyFile, load_written
from hpo.results.collect import read_results
from hpo.results.results import StudyResults
from hpo.session.main_job import begin_anew, finish
from hpo.study.opening import check_begun
from hpo.study.plan import Plan
from hpo.study.study import read_study
from segada.errors import InputError
from segada.settings.inputs import resolved
from segada.settings.named_kinds import without_code


def search(
    study: StudyFile,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    new: bool = False,
    address: str | None = None,
) -> StudyResults:
    """Searches in this process as `hpo run` does: trials, confirmation, report. Prints progress line by line.

    Called again with the same study and folder, it continues where it was stopped. The first Ctrl-C, or "interrupt" of
    a notebook, lets the visits that run finish, a second one stops at once; either way what is finished is written
    first and KeyboardInterrupt is raised then, and `load_results` returns what has been found so far.

    Args:
        study: Study file, from `load_study` or `StudyFile.from_dict`.
        out: Folder of the results; None is `runs/NAME`.
        resume: Continues what `out` holds; refuses if it holds no study.
        new: Begins anew; a folder that exists is renamed OUT.1, OUT.2 ...
        address: Address of a Ray cluster, HOST:PORT or auto; None is RAY_ADDRESS, or Ray on this machine.

    Returns:
        Results of the finished study. If everything ran but there is no answer, as when every trial failed or none
        keeps the constraints, `no_answer` of the results says why; no error is raised.

    Raises:
        InputError: The study, its data, the folder or the address is wrong; one line with the cure.
        StorageError: A file system accepts no more data; what is finished is kept.
        KeyboardInterrupt: It was stopped, or Ray is gone; what is finished is kept.

    Example:
        >>> import hpo
        >>> study = hpo.load_study("ga_dacs.yaml", {"budget.trials": 12})
        >>> results = hpo.search(study, out="runs/short")
        >>> results.no_answer  # None if there is an answer
        >>> results.best.number, results.best.values
        >>> results.best.parameters["method.pseudo_threshold"]
        >>> for run in results.confirmed.runs:
        ...     print(run.name, run.mean_miou.value)
        >>> results.to_frame().to_csv("trials.csv")
        >>> print(results.report)
    """
    if threading.current_thread() is not threading.main_thread():
        raise InputError("hpo.search: runs in the main thread alone, which signals reach; call it there")
    if resume and new:
        raise InputError("hpo.search: resume=True continues a study and new=True begins one; give one of them")
    folder = resolved(Path("runs") / study.settings.name if out is None else Path(out), "out")
    if resume:
        check_begun(study, folder)
    if new:
        begin_anew(study, folder)
    with _quiet_optuna():
        results, is_done = finish(study, folder, address, may_exit=False)
    if not is_done:
        raise KeyboardInterrupt(
            f"the search was stopped; what is finished is kept in {folder}. To continue, call hpo.search again; "
            f"to see what it has found, hpo.load_results({str(folder)!r})"
        )
    return results


def load_results(out: str | Path) -> StudyResults:
    """Reads the results of a study, finished or not, from its folder. Writes nothing, and imports no code of a user.

    Args:
        out: Folder of the study.

    Raises:
        InputError: The folder holds no study.

    Example:
        >>> results = hpo.load_results("runs/ga_dacs")
        >>> len(results.trials), results.best.number
        >>> results.confirmed is None  # until the confirmation is finished
    """
    folder = resolved(Path(out), "out")
    file = load_written(folder)
    with _quiet_optuna(), without_code():
        return read_results(read_study(file, folder), Plan(file, folder))


@contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Leaves Optuna's messages out while the context is open."""
    former = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(former)
