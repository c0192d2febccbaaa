"""The main job: `python -m hpo.run --space ga_dacs.yaml` searches, confirms the best, and says what it is worth."""

import argparse
import shlex
import sys
import traceback
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import optuna
from rich.console import Console

from hpo.config.document import STUDY
from hpo.config.schema import StudySettings
from hpo.config.storage_url import masked, place_of
from hpo.config.study_file import StudyFile, load_study
from hpo.execution.loopback import keep_on_loopback
from hpo.execution.prometheus import Gauges
from hpo.monitoring.progress import ConsoleReporter
from hpo.monitoring.summary import print_summary
from hpo.monitoring.trial_counts import count_trials
from hpo.orchestration.coordinator import RunCoordinator
from hpo.orchestration.signals import Stopping
from hpo.reporting.outputs import kept_failures, write_outputs
from hpo.results.collect import confirmation_of, damages_of, read_failures
from hpo.study.attributes import FOLDER_ID
from hpo.study.created_files import MadeRuns
from hpo.study.dashboard import trials_command
from hpo.study.drivers import Driver, joined, set_aside
from hpo.study.folder import LOCK, check_free
from hpo.study.journal.file import JOURNAL, JOURNAL_LOCK
from hpo.study.opening import check_begun, check_unnamed
from hpo.study.plan import Plan, undone
from hpo.study.provenance import write_study
from hpo.study.storage import lost
from hpo.study.study import Study, open_study
from hpo.tracking.wandb_logger import tracked
from segada.cli.console import wide_terminal
from segada.cli.exit_codes import DONE, FAILED, INTERRUPTED, WRONG_INPUT, Parser
from segada.cli.interruption import Interruption
from segada.cli.output_dir import named_folder
from segada.core.printing import escaped_lines, say, tell
from segada.core.storage_errors import StorageError, storage_error
from segada.errors import InputError
from segada.settings.assignments import parse_assignments
from segada.settings.inputs import resolved


def main() -> int:
    """The command line. Returns the exit code: 0 done, 2 wrong input, 3 stopped and resumable, 1 anything else."""
    arguments = parsed(sys.argv[1:])
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # Begun anew once, it goes on.
    again = f"python -m hpo.run {shlex.join(word for word in sys.argv[1:] if word != '--new')}"
    out: Path | None = None
    why = "interrupted"
    database = arguments.storage
    try:
        file = study_file(arguments)
        database = file.settings.storage
        out = resolved(named_folder(arguments.out, Path("runs") / file.settings.name), "--out")
        if arguments.resume:
            check_begun(file, out)
        if arguments.new:
            _begin_anew(file, out)
        with Interruption(lambda: None):
            finished = run(file, out, arguments.address)
    except InputError as error:
        tell(f"error: {error}")
        return WRONG_INPUT
    except KeyboardInterrupt as interruption:
        finished, why = False, str(interruption) or why
    except Exception as error:  # noqa: BLE001 - the outermost frame: whatever it was ends here, its traceback is kept
        refused = storage_error(error, out or Path()) or lost(error, database)
        if refused is not None:
            tell(f"error: {masked(str(refused))}; what is finished is kept. To go on: {again}")
            return INTERRUPTED
        tell(f"error: {kept(error, out)}; to go on: {again}")
        return FAILED
    if not finished:
        tell(f"{why}; what is finished is kept. To go on: {again}")
        return INTERRUPTED
    return DONE


def run(file: StudyFile, out: Path, address: str | None = None) -> bool:
    """Does what a study has left to do, writes its results and prints them.

    Several of them may do so at the same time, on one machine or several that share the folder.

    Args:
        file: the study.
        out: folder of the results, absolute, because workers run elsewhere.
        address: of a Ray cluster; None takes RAY_ADDRESS, or starts Ray on this machine.

    Returns:
        Whether everything is done; False if it was stopped before.

    Raises:
        InputError: the folder holds another study, or data or weights are not there.
        StorageError: a file system takes nothing more.
        KeyboardInterrupt: it was stopped before there was anything to write, or Ray is gone, which its text says.
    """
    console = wide_terminal()
    file = file.kept_in(place_of(file.settings.storage))
    tracking = tracked(file, out)
    check_free(out)
    with joined(out) as driver:
        study, damaged = _opened(file, out, driver)
        plan = Plan(file, out)
        for line in (*damaged, *damages_of(study, plan)):
            console.print(f"damaged: {line}", soft_wrap=True)
        progress = ConsoleReporter(console, file.settings, count_trials(study.optuna_study), plan.jobs_left(study))
        gauges = Gauges(file.settings.name, count_trials(study.optuna_study))
        coordinator = RunCoordinator(study, plan, [MadeRuns(driver.made), progress, gauges, *tracking])
        with Stopping(coordinator, lambda: _left(study, plan, coordinator, driver)) as stopping:
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
    return not coordinator.is_stopped


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
        if file.settings.storage is not None and not has_begun:
            driver.made.further(study.remove)
        if not driver.others():
            study.leases.forget_failures()
        return study, [*write_study(file, out), *kept_failures(out)]


def _begin_anew(file: StudyFile, out: Path) -> None:
    check_unnamed(file)
    aside = set_aside(out)
    if aside is not None:
        say(f"what {out} held is now in {aside}")


def _work_off(coordinator: RunCoordinator, study: Study, driver: Driver, address: str | None, console: Console) -> None:
    keep_on_loopback(address)
    # Imported here: a person whose study file has a mistake should not wait for Ray to be told so.
    from hpo.execution.cluster import Resources, cluster
    from hpo.execution.gpu_share import FILE as SHARES
    from hpo.execution.gpu_share import check_uses_gpu, sized
    from hpo.execution.tune import Preparation, execute, prepare

    plan = Plan(study.file, driver.out)
    settings = plan.search_settings()
    wanted = plan.file.settings.resources
    if wanted.gpus_per_trial == "auto":
        check_uses_gpu(settings)
    gpus = 1.0 if wanted.gpus_per_trial == "auto" else wanted.gpus_per_trial
    resources = Resources(wanted.workers, wanted.cpus_per_trial, gpus, settings.runtime.threads, wanted.accelerator)
    # A source training that is over need not have its checkpoint any more.
    source = next((job.settings for job in undone(plan.source_training())), None)
    preparation = Preparation(source, plan.source, settings, plan.confirmation_settings(plan.seeds[0]))
    console.print(f"results go to {plan.out}")
    seen = trials_command(study.file.settings.storage, plan.out)
    console.print(f"trials in a browser: {seen}", soft_wrap=True)
    with cluster(resources, address, coordinator.lose) as found:
        if found.dashboard is not None:
            token = f"; its token: {found.token_command}" if found.token_command else ""
            console.print(f"dashboard {found.dashboard}{token}")
        ray = found
        if wanted.gpus_per_trial == "auto":
            with driver.made.noting(plan.out / SHARES):
                ray = sized(ray, plan.search_settings(plan.default()), plan.out, console.print)
        driver.made.run(plan.source)
        if preparation.pretrain is not None and not plan.weights.exists():
            console.print(f"training the source model; how far it is: {plan.source / 'log.txt'}")
        try:
            with study.leases.hold(plan.source.name) if preparation.pretrain is not None else nullcontext():
                shared_data = prepare(preparation, ray.resources)
        except InputError as error:
            raise plan.file.document.error(("run",), str(error)) from None
        execute(coordinator, shared_data, ray, driver.scratch, wanted.retries)
    if coordinator.obstacle is not None and coordinator.obstacle_passes:
        raise StorageError(coordinator.obstacle)
    if coordinator.obstacle is not None:
        raise plan.file.document.error(("run",), coordinator.obstacle)


def _is_done(study: Study, plan: Plan) -> bool:
    if not study.is_search_over():
        return False
    if plan.jobs_left(study) == 0:
        return not plan.lost(study, ())
    failures = read_failures(plan.out).value
    return confirmation_of(study, plan, {}) is not None and not plan.lost(study, failures)


def kept(error: Exception, out: Path | None) -> str:
    """Keeps the traceback in the results' log.txt, if a driver has begun there, and says in one line what it was."""
    said = masked(f"{type(error).__name__}: {error}".splitlines()[0])
    text = masked(traceback.format_exc())
    if out is None or not (out / LOCK).is_file():
        print(escaped_lines(text), end="", file=sys.stderr)
        return said
    with (out / "log.txt").open("a") as log:
        log.write(escaped_lines(text))
    return f"{said} (traceback in {out / 'log.txt'})"


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """The options of a command line."""
    return _parser().parse_args(words)


def study_file(arguments: argparse.Namespace, *, runs: bool = True) -> StudyFile:
    """The study with what the options change; a path that begins with no part of a study file is one into `run`.

    Args:
        arguments: from `parsed`.
        runs: whether it will be run here, so that its data must be here.

    Raises:
        InputError: the file, or an option, is wrong.
    """
    given = parse_assignments(arguments.assignments)
    for path in given:
        if path.startswith("space."):
            cure = f"copy {arguments.space} and change it there"
            raise InputError(f"--set {path}: the space stands in the study file alone; {cure}")
    overrides = {
        path if path.split(".")[0] in StudySettings.model_fields else f"run.{path}": value
        for path, value in given.items()
    }
    options = dict.fromkeys(overrides, "--set")
    for option, value, paths in (
        ("--trials", arguments.trials, ["budget.trials"]),
        ("--seed", arguments.seed, ["run.seed", "sampler.seed"]),
        ("--storage", arguments.storage, ["storage"]),
    ):
        if value is not None:
            overrides |= dict.fromkeys(paths, value)
            options |= dict.fromkeys(paths, option)
    return load_study(arguments.space, overrides, options, runs=runs)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m hpo.run",
        description=f"{__doc__} Run again, the same command goes on where it was stopped.",
    )
    parser.add_argument("--space", required=True, metavar="FILE", help="study file, or the name of a shipped one")
    parser.add_argument("--out", metavar="DIR", help="folder of the results (default: runs/NAME)")
    parser.add_argument("--trials", type=int, metavar="N", help="trials of the search (--set budget.trials=N)")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the runs and of the sampler")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on with a study; refuse if there is none")
    again.add_argument("--new", action="store_true", help="begin anew; a folder that is there becomes DIR.1, DIR.2 ...")
    parser.add_argument("--storage", metavar="URL", help="database of the study: sqlite:///FILE, postgresql://...")
    parser.add_argument("--address", help="of a Ray cluster (default: RAY_ADDRESS, or Ray on this machine)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        dest="assignments",
        help="a setting of the runs (stream.passes=2) or of the study (confirm.seeds=5); repeatable",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
