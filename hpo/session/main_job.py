"""One driver's work on a study: opens it, runs what is left of it, writes and prints its results."""

from pathlib import Path

from rich.console import Console

from hpo.config.data_check import placed
from hpo.config.document import STUDY
from hpo.config.storage_url import place_of
from hpo.config.study_file import StudyFile
from hpo.execution.loopback import keep_on_loopback
from hpo.execution.privacy import ensure_home
from hpo.execution.prometheus import Gauges
from hpo.monitoring.progress import ConsoleReporter
from hpo.monitoring.summary import print_summary
from hpo.monitoring.trial_counts import count_trials
from hpo.orchestration.coordinator import RunCoordinator
from hpo.orchestration.signals import Stopping
from hpo.reporting.outputs import kept_failures, write_outputs
from hpo.results.collect import confirmation_of
from hpo.results.damages import damages_of, read_failures
from hpo.results.results import StudyResults
from hpo.session.engines import engine_of
from hpo.study.attributes import FOLDER_ID
from hpo.study.created_files import MadeRuns
from hpo.study.dashboard import trials_command
from hpo.study.drivers import Driver, joined, set_aside
from hpo.study.folder import NEVER, check_free
from hpo.study.journal.file import JOURNAL, JOURNAL_LOCK
from hpo.study.opening import check_unnamed
from hpo.study.plan import Plan
from hpo.study.provenance import write_study
from hpo.study.study import Study, open_study
from hpo.tracking.wandb_logger import tracked
from segada.cli.console import wide_terminal
from segada.core.printing import say
from segada.core.storage_errors import DeniedError, StorageError
from segada.errors import InputError


def run(file: StudyFile, out: Path, address: str | None = None) -> bool:
    """Does what a study has left to do as `finish` does, and returns whether everything is done."""
    return finish(file, out, address)[1]


def finish(
    file: StudyFile, out: Path, address: str | None = None, *, may_exit: bool = True
) -> tuple[StudyResults, bool]:
    """Does what a study has left to do, writes its results and prints them.

    Several drivers may do so at the same time, on one machine or several that share the folder.

    Args:
        file: Study.
        out: Folder of the results, absolute, because workers run elsewhere.
        address: Address of a Ray cluster; None takes RAY_ADDRESS, or starts Ray on this machine.
        may_exit: Whether the process may be ended if it is interrupted and Ray does not return.

    Returns:
        Results, and whether everything is done; False if it was stopped before.

    Raises:
        InputError: The folder holds another study, or data or weights are missing.
        StorageError: A file system accepts no more data.
        KeyboardInterrupt: It was stopped before there was anything to write, or Ray is gone, which its text says.
    """
    console = wide_terminal()
    file = file.kept_in(place_of(file.settings.storage))
    tracking = tracked(file, out)
    check_free(out)
    with joined(out) as driver:
        study, damaged = _opened(file, out, driver)
        file, plan = study.file, Plan(study.file, out)
        for line in study.notes:
            console.print(f"start_from: {line}", soft_wrap=True)
        for line in (*damaged, *damages_of(study, plan)):
            console.print(f"damaged: {line}", soft_wrap=True)
        progress = ConsoleReporter(console, file.settings, lambda: count_trials(study), plan.jobs_left(study))
        gauges = Gauges(file.settings.name, study.budget(), file.settings.constraints)
        coordinator = RunCoordinator(study, plan, [MadeRuns(driver.made), progress, gauges, *tracking])
        leave = (lambda: _left(study, plan, coordinator, driver)) if may_exit else None
        with Stopping(coordinator, leave) as stopping:
            if not _is_done(study, plan):
                try:
                    with progress:
                        _work_off(coordinator, study, driver, address, console)
                except KeyboardInterrupt:
                    coordinator.stop()
            stopping.rest()
            results = write_outputs(study, plan, coordinator.failures)
        print_summary(results, out, console)
        for one in tracking:
            one.concluded(results)
    if coordinator.lost is not None:
        raise KeyboardInterrupt(coordinator.lost)
    return results, not coordinator.is_stopped


def begin_anew(file: StudyFile, out: Path) -> None:
    """Renames the folder of a study, so that another one can begin there, and prints its new name.

    Raises:
        InputError: The folder cannot be renamed, or the study's database has a study of this name.
    """
    check_unnamed(file)
    try:
        aside = set_aside(out)
    except OSError as error:
        if error.errno not in NEVER:
            raise
        raise InputError(f"{out}: cannot be moved aside ({error.strerror}); name a new folder with --out") from None
    if aside is not None:
        say(f"what {out} held is now in {aside}")


def _left(study: Study, plan: Plan, coordinator: RunCoordinator, driver: Driver) -> None:
    """Does what is left when the work itself does not come to its end."""
    write_outputs(study, plan, coordinator.failures)
    driver.leave()


def _opened(file: StudyFile, out: Path, driver: Driver) -> tuple[Study, list[str]]:
    """The study, and what was damaged of the files that are written now."""
    files = (out / name for name in (JOURNAL, JOURNAL_LOCK, FOLDER_ID, STUDY))
    with driver.exclusive(), driver.made.noting(*files):
        has_begun = (out / FOLDER_ID).exists()
        study = open_study(file, out, driver)
        study.file, lowered = _with_started(file, study.budget().started)
        if file.settings.storage is not None and not has_begun:
            driver.made.further(study.remove)
        if not driver.others():
            study.leases.forget_failures()
        for line in lowered:
            say(line)
        return study, [*write_study(study.file, out), *kept_failures(out)]


def _with_started(file: StudyFile, started: int) -> tuple[StudyFile, list[str]]:
    """Returns the study file with a budget of at least the trials that have started, and a sentence if it had less."""
    trials = file.settings.budget.trials
    if started <= trials:
        return file, []
    line = f"budget.trials is {trials}, but {started} trials have started: these are the budget, and none is added"
    return file.with_trials(started), [line]


def _work_off(coordinator: RunCoordinator, study: Study, driver: Driver, address: str | None, console: Console) -> None:
    engine = engine_of(study, driver)
    engine.check(address, console)
    keep_on_loopback(address)
    ensure_home()
    # Imported here: an error in the study file is reported before Ray is imported, which takes seconds.
    from hpo.execution.cluster import cluster
    from hpo.execution.tune import execute

    plan = Plan(study.file, driver.out)
    resources = engine.resources()
    console.print(f"results go to {plan.out}")
    seen = trials_command(study.file.settings.storage, plan.out)
    console.print(f"trials in a browser: {seen}", soft_wrap=True)
    with cluster(resources, address, coordinator.lose) as found:
        if found.note is not None:
            console.print(found.note)
        if found.dashboard is not None:
            token = f"; its token: {found.token_command}" if found.token_command else ""
            console.print(f"dashboard {found.dashboard}{token}")
        ray, shared_data = engine.prepare(found, console)
        retries = study.file.settings.resources.retries
        execute(coordinator, shared_data, ray, driver.scratch, retries, engine.trainable())
    _check_obstacle(coordinator, plan)


def _check_obstacle(coordinator: RunCoordinator, plan: Plan) -> None:
    """Raises the error for which no run of the study can be done, if there is one."""
    obstacle = coordinator.obstacle
    if obstacle is None:
        return
    reason = obstacle.failure or ""
    if obstacle.passes:
        raise StorageError(reason)
    if obstacle.denied:
        raise DeniedError(reason)
    raise placed(plan.file, "run", obstacle.path, reason)


def _is_done(study: Study, plan: Plan) -> bool:
    if not study.is_search_over():
        return False
    if plan.jobs_left(study) == 0:
        return not plan.lost(study, ())
    failures = read_failures(plan.out).value
    return confirmation_of(study, plan, {}) is not None and not plan.lost(study, failures)
