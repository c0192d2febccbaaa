"""Searches methods alike, runs what is left of each study, and compares their best configurations."""

import argparse
import os
import platform
import shlex
from collections.abc import Sequence
from pathlib import Path

import optuna
from rich.console import Console

from hpo.comparison.method_tables import markdown
from hpo.comparison.methods import compare_methods
from hpo.comparison.methods_file import load_methods, methods_path
from hpo.comparison.page import page
from hpo.comparison.results import Comparison, Winner, compared, has_run, is_over, winner_of
from hpo.comparison.reuse import take_over
from hpo.comparison.studies import compared_studies
from hpo.comparison.tables import methods_csv, rich_table
from hpo.comparison.wording import detail, frames_of, headline, timed
from hpo.config.study_file import StudyFile
from hpo.session.command import kept
from hpo.session.main_job import run
from hpo.study.drivers import set_aside_comparison
from hpo.study.folder import check_comparison, check_free, holds_study
from hpo.study.opening import check_unnamed
from hpo.study.plan import Plan
from segada.cli.console import terminal, wide_terminal
from segada.cli.exit_codes import DONE, FAILED, NO_ANSWER, exit_code
from segada.cli.interruption import program
from segada.cli.output_dir import check_file, named_folder
from segada.core.atomic_io import write_text
from segada.core.printing import say
from segada.core.storage_errors import storage_error
from segada.errors import InputError
from segada.settings import RunSettings
from segada.settings.assignments import parse_assignments
from segada.settings.inputs import resolved

FOR_METHODS = ("jobs", "seeds", "markdown")
"""Options for methods at fixed settings alone."""
FOR_STUDIES = ("trials", "storage", "resume", "new", "address")
"""Options for studies alone."""


def compare_command(arguments: argparse.Namespace) -> int:
    """Compares the studies that a command line names and returns the exit code.

    Args:
        arguments: Parsed by `hpo.compare.parser`.

    Returns:
        The code of `hpo.session.command.run_command`; 4 if all runs of a method are over and it has no result, 1 if a
        study could not be run.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    codes: list[int] = []

    def command() -> None:
        path = methods_path(arguments.studies[0]) if len(arguments.studies) == 1 else None
        codes.append(_compared_studies(arguments) if path is None else _compared_methods(arguments, path))

    return exit_code(command) or codes[0]


def _compared_studies(arguments: argparse.Namespace) -> int:
    """Compares studies and returns the exit code."""
    _refuse(arguments, FOR_METHODS, "methods at fixed settings, and these are studies")
    files = compared_studies(arguments.studies, _options(arguments))
    out = resolved(named_folder(arguments.out, Path("runs") / _name(arguments.studies)), "--out")
    check_comparison(out)
    if arguments.resume:
        _check_begun(files, out)
    if arguments.new:
        _begin_anew(files, out)
    comparison = compare(files, out, arguments.address)
    found = set() if comparison is None else {method.name for method in comparison.methods}
    lost = [file for file in files if file.settings.name not in found]
    if not lost:
        return DONE
    return NO_ANSWER if all(has_run(file, out / file.settings.name) for file in lost) else FAILED


def _compared_methods(arguments: argparse.Namespace, path: Path) -> int:
    """Compares methods at fixed settings and returns the exit code."""
    _refuse(arguments, FOR_STUDIES, f"studies, and {path} holds methods at fixed settings")
    jobs = 1 if arguments.jobs is None else arguments.jobs
    if jobs < 1:
        raise InputError(f"--jobs must be at least 1, but is {jobs}")
    overrides, options = parse_assignments(arguments.assignments), {}
    for setting, value in (("seeds", arguments.seeds), ("seed", arguments.seed)):
        if value is not None:
            overrides[setting], options[setting] = value, f"--{setting}"
    file = load_methods(path, overrides, options)
    if arguments.markdown is not None:
        check_file(arguments.markdown, "--markdown")
    out = named_folder(arguments.out, Path("runs") / file.name)
    comparison = compare_methods(file, out, jobs, terminal())
    if arguments.markdown is not None:
        write_text(arguments.markdown, markdown(comparison))
    return NO_ANSWER if comparison.lost else DONE


def _refuse(arguments: argparse.Namespace, options: Sequence[str], what: str) -> None:
    given = next((option for option in options if getattr(arguments, option) not in (None, False)), None)
    if given is not None:
        raise InputError(f"--{given} is for a comparison of {what}; leave it out")


def compare(files: Sequence[StudyFile], out: Path, address: str | None = None) -> Comparison | None:
    """Runs what is left of each study, in a folder of its own, and compares their winners.

    Args:
        files: the studies, from `compared_studies`.
        out: folder of the comparison, absolute: a folder for each study, comparison.json, comparison.csv and
            comparison.html.
        address: of a Ray cluster, as for `hpo.session.main_job.run`.

    Returns:
        None if no study came to a result.

    Raises:
        InputError: every study was refused.
        StorageError: a file system takes nothing more.
        KeyboardInterrupt: it was stopped; what is finished is kept.
    """
    console = wide_terminal()
    winners: dict[str, Winner] = {}
    failures: dict[str, str] = {}
    refusals: list[InputError] = []
    for number, file in enumerate(files, start=1):
        name = file.settings.name
        console.print("")
        console.print(f"{number}/{len(files)} {name}", style="bold")
        try:
            winner = _winner(file, out, address)
        except InputError as refusal:
            refusals.append(refusal)
            winner = str(refusal)
        if isinstance(winner, str):
            failures[name] = winner
            console.print(f"{name} failed: {winner}")
        else:
            winners[name] = winner
    if len(refusals) == len(files):
        raise refusals[0]
    if not winners:
        return None
    comparison = compared(out.name, winners, failures, _notes(files[0], winners))
    write_text(out / "comparison.json", comparison.model_dump_json(indent=1) + "\n")
    write_text(out / "comparison.csv", methods_csv(comparison))
    write_text(out / "comparison.html", page(comparison))
    _print(comparison, out, console)
    return comparison


def _winner(file: StudyFile, out: Path, address: str | None) -> Winner | str:
    """Runs what is left of a study; returns its winner, or why it has none."""
    folder = out / file.settings.name
    if not is_over(file, folder):
        check_free(folder)
        take_over(Plan(file, folder), [sibling for sibling in out.glob("*") if sibling != folder])
        try:
            finished = run(file, folder, address)
        except InputError:
            raise
        except Exception as error:  # Whatever it was, the other methods go on.
            refused = storage_error(error, folder)
            if refused is not None:
                raise refused from error
            return kept(error, folder)
        if not finished:
            raise KeyboardInterrupt
    return winner_of(file, folder)


def _print(comparison: Comparison, out: Path, console: Console) -> None:
    console.print("", rich_table(comparison), "", sep="\n")
    console.print(headline(comparison), style="bold")
    console.print(detail(comparison))
    for name, reason in comparison.failures.items():
        console.print(f"{name} failed: {reason}")
    places = (f"page        {out / 'comparison.html'}", f"numbers     {out / 'comparison.csv'}")
    console.print("", *places, sep="\n")
    if not comparison.is_external:
        best = shlex.quote(str(out / comparison.methods[0].name / "best" / "settings.yaml"))
        console.print(f"run the first  {program('segada.adapt')} {best}")


def _notes(file: StudyFile, winners: dict[str, Winner]) -> list[str]:
    """How it was measured, the same for all."""
    settings, run_settings = file.settings, file.run_settings()
    route = ", ".join(run_settings.stream.all_visits())
    frames = f"; {frames_of(run_settings.stream)} a visit" if isinstance(run_settings, RunSettings) else ""
    device = f"{run_settings.runtime.device}, " if isinstance(run_settings, RunSettings) else ""
    workers = "as many as fit" if settings.resources.workers is None else str(settings.resources.workers)
    models = "source model" if file.source_models == 1 else f"{file.source_models} source models"
    trials = max(len(winner.results.trials) for winner in winners.values())
    alike = (
        f"Every method had the same stream ({route}{frames}), {models}, "
        f"budget ({trials} trials), sampler ({settings.sampler.model_dump()['name']}), seeds and frames."
    )
    frames_timed = timed(run_settings) if isinstance(run_settings, RunSettings) else "processed"
    speed = (
        f"frames/s: {frames_timed} per second, {workers} runs at a time; {device}"
        f"{os.cpu_count()} cores, {platform.machine()}."
    )
    return [
        alike,
        "A search chose by the frames `val`; what is shown was measured on the frames `test` with fresh seeds.",
        "Methods with more parameters have no more trials: a large space is a price that a method pays.",
        speed,
    ]


def _check_begun(files: Sequence[StudyFile], out: Path) -> None:
    """Raises InputError if no study of the comparison has been begun in its folder."""
    if not any(holds_study(out / file.settings.name) for file in files):
        raise InputError(f"{out}: holds none of these studies, so that --resume has nothing to continue; leave it out")


def _begin_anew(files: Sequence[StudyFile], out: Path) -> None:
    """Renames the folder of a comparison, so that another one can begin there, and prints its new name."""
    for file in files:
        check_unnamed(file)
    aside = set_aside_comparison(out)
    if aside is not None:
        say(f"what {out} held is now in {aside}")


def _name(studies: Sequence[str]) -> str:
    """Returns the name of the folder: that of the only folder which is compared, or `comparison`."""
    only = Path(studies[0])
    return only.name if len(studies) == 1 and only.name else "comparison"


def _options(arguments: argparse.Namespace) -> list[str]:
    """Those that every study has, as `hpo.run` takes them."""
    values = {"--trials": arguments.trials, "--seed": arguments.seed, "--storage": arguments.storage}
    given = [f"{option}={value}" for option, value in values.items() if value is not None]
    return [*given, *(f"--set={assignment}" for assignment in arguments.assignments)]
