"""One run: `python -m segada.adapt SETTINGS.yaml` adapts one model over one stream and reports mIoU per domain."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from segada.artifacts.run_dir import RunDir
from segada.cli.console import terminal
from segada.cli.exit_codes import Parser, exit_code
from segada.cli.options import add_run_options, chosen
from segada.cli.progress_bar import ProgressBar
from segada.cli.signals import Asked, never, stopping
from segada.data.frame_schedule import FrameSchedule
from segada.engine.run_data import prepare_data
from segada.engine.runner import Diverged, Run
from segada.errors import InputError
from segada.records import RunReport, VisitRecord
from segada.settings import RunSettings


def adapt(
    settings: RunSettings,
    folder: Path,
    console: Console,
    asked_to_stop: Asked = never,
    tags: Sequence[str] = (),
) -> RunReport:
    """Runs the whole stream, or what is left of it, and leaves everything in the folder.

    Args:
        settings: Of the run.
        folder: Where everything goes.
        console: Where progress is printed.
        asked_to_stop: Is asked before each visit.
        tags: Words that are kept in the folder, beside those that are there.

    Raises:
        KeyboardInterrupt: if it was asked to stop; a further call goes on with the next visit.
        InputError: if data or weights are missing, the folder holds a run of other settings, or a loss is not finite.
    """
    visits = settings.stream.all_visits()
    try:
        with console.status("reading frames and scoring the source model"):
            run_data = prepare_data(settings)
        schedule = FrameSchedule(settings.stream, run_data.lengths)
        bar = ProgressBar(console, schedule.total_steps())
        run = Run(settings, run_data, folder, bar)
    except ValueError as error:
        # Data, weights and folders are what a person gave; what is wrong with them is said in one line.
        raise InputError(str(error)) from error
    RunDir(folder).add_tags(tags)
    console.print(run.network.origin)
    for line in run_data.shortfalls():
        console.print(line, soft_wrap=True)
    if run.visits_done:
        console.print(f"continues after visit {run.visits_done} of {len(visits)}, from {folder}")
    with bar.shown(schedule.steps_before(run.visits_done)):
        while not run.finished:
            if asked_to_stop():
                raise KeyboardInterrupt
            bar.visit(f"visit {run.visits_done + 1} of {len(visits)}: {visits[run.visits_done]}")
            record = _next_visit(run)
            console.print(_visit_line(record, len(visits), run_data.source_only, bar.left()))
    return run.report()


def main() -> int:
    """The command line."""
    parser = Parser(prog="python -m segada.adapt", description=__doc__)
    add_run_options(
        parser,
        "settings of the run (YAML); best/settings.yaml of a study, for one",
        "runs/, the name of the settings file, their hash, and -logged if it is",
    )
    arguments = parser.parse_args()

    def command() -> None:
        wanted = chosen(arguments, _default_folder)
        console = terminal()
        with stopping() as asked_to_stop:
            report = adapt(wanted.settings, wanted.folder, console, asked_to_stop, wanted.tags)
        print_report(report, console)
        print_tags(wanted.folder, console)
        panels = RunDir(wanted.folder).panels
        console.print(f"results in {wanted.folder}{f', panels in {panels}' if panels.is_dir() else ''}")

    return exit_code(command)


def print_tags(folder: Path, console: Console) -> None:
    """The tags of a run, if it has any."""
    tags = RunDir(folder).tags()
    if tags:
        console.print(f"tags: {', '.join(tags)}")


def print_report(report: RunReport, console: Console) -> None:
    """The run as a table: a row per visit, in percent for the eye."""
    table = Table(title=f"mIoU in percent, settings {report.settings_hash}, seed {report.seed}")
    for column in ("visit", "domain", "source-only", "adapted", "gain", "online"):
        table.add_column(column, justify="left" if column == "domain" else "right")
    for record in report.visits:
        adapted, source = record.visited_miou, report.source_only[record.domain]
        online = "" if record.online_miou is None else f"{100 * record.online_miou:.1f}"
        numbers = (f"{100 * source:.1f}", f"{100 * adapted:.1f}", f"{100 * (adapted - source):+.1f}", online)
        table.add_row(str(record.visit), record.domain, *numbers)
    means = (f"{100 * report.source_only_mean_miou:.1f}", f"{100 * report.mean_miou:.1f}", f"{100 * report.gain:+.1f}")
    table.add_section()
    table.add_row("", "mean", *means, "")
    console.print(table)


def _next_visit(run: Run) -> VisitRecord:
    try:
        return run.next_visit()
    except Diverged as failure:
        # Its line names the rates and weights to try; where in our code it was noticed says nothing to anyone.
        raise InputError(str(failure)) from failure


def _default_folder(settings: RunSettings, file: Path) -> Path:
    suffix = "" if settings == settings.without_logging() else "-logged"
    return Path("runs") / f"{file.stem}-{settings.settings_hash()}{suffix}"


def _visit_line(record: VisitRecord, total: int, source_only: dict[str, float], left: str) -> str:
    adapted, source = record.visited_miou, source_only[record.domain]
    line = (
        f"visit {record.visit + 1}/{total} {record.domain}: mIoU {100 * adapted:.1f} % "
        f"(source-only {100 * source:.1f} %), {record.frames_per_second:.0f} frames/s"
    )
    return f"{line}, {left}" if left else line


if __name__ == "__main__":
    sys.exit(main())
