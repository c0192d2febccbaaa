"""Runs a model over its stream in a folder, from the first visit or the next one, and prints the progress."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from segada.artifacts.run_dir import RunDir
from segada.cli.console import PlainConsole
from segada.cli.output_dir import check_folder, check_own
from segada.cli.progress_bar import ProgressBar
from segada.cli.signals import Asked, never
from segada.core.run_names import RUN_MARKS
from segada.data.frame_schedule import FrameSchedule
from segada.data.run_frames import planned_visits
from segada.engine.divergence import Diverged
from segada.engine.followed_stream import StreamEnded
from segada.engine.report import evaluable
from segada.engine.run_data import prepare_data
from segada.engine.runner import Run
from segada.errors import InputError
from segada.records import RunReport, VisitRecord
from segada.settings import RunSettings
from segada.settings.hamlet import HamletSettings


def run(
    settings: RunSettings, out: str | Path | None = None, *, tags: Sequence[str] = (), progress: bool = False
) -> RunReport:
    """Runs all visits of a stream, or those that are left in the folder, and returns the result.

    No signal handler is installed: Ctrl-C raises KeyboardInterrupt, and the same call continues after the last visit
    that was saved. `segada.Run` yields the visits one by one.

    Args:
        settings: Settings of the run.
        out: Folder of the run; None writes nothing.
        tags: Words that are added to `tags.json` of the folder.
        progress: Whether the visits and a progress bar are printed.

    Raises:
        InputError: data or weights are missing, the folder holds something else than a run of these settings, or a loss
            is not finite.

    Example:
        >>> import segada
        >>> data = {"size": (32, 64), "splits": {"source": 4, "adapt": 4, "test": 2}}
        >>> stream = {"visits": ("clear", "25mm"), "frames": 4}
        >>> settings = segada.RunSettings.model_validate({"data": data, "stream": stream})
        >>> report = segada.run(settings)
        >>> [visit.domain for visit in report.visits]
        ['clear', '25mm']
        >>> report.gain == report.mean_miou - report.source_only_mean_miou
        True
    """
    folder = None if out is None else Path(out)
    if folder is not None:
        check_folder(folder, "out")
        check_own(folder, "run", RUN_MARKS, "out")
    return adapt(settings, folder, PlainConsole(quiet=not progress), tags=tags)


def adapt(
    settings: RunSettings,
    folder: Path | None,
    console: Console,
    asked_to_stop: Asked = never,
    tags: Sequence[str] = (),
    validate: bool = True,
) -> RunReport:
    """Runs the visits of a stream that are not in the folder yet, and prints the progress.

    Args:
        settings: Settings of the run.
        folder: Folder of the run; None writes nothing.
        console: Console that shows the progress.
        asked_to_stop: Called before each visit; True ends the run.
        tags: Words that are added to `tags.json` of the folder.
        validate: Whether the held-out frames are scored after every visit; otherwise after the last one alone.

    Raises:
        KeyboardInterrupt: it was asked to stop; a further call continues with the next visit.
        InputError: data or weights are missing, the folder holds a run of other settings, or a loss is not finite.
    """
    visits = planned_visits(settings.stream)
    try:
        with console.status("reading frames and scoring the source model"):
            run_data = prepare_data(settings)
        steps = FrameSchedule(settings.stream, run_data.lengths).total_steps() if visits else None
        bar = ProgressBar(console, steps)
        run = Run(settings, run_data, folder, bar, validate=validate)
    except ValueError as error:
        # Data, weights and folders are input: an error about them is one line.
        raise InputError(str(error)) from error
    if folder is not None:
        RunDir(folder).add_tags(tags)
    console.print(run.network.origin)
    for line in run_data.shortfalls():
        console.print(line, soft_wrap=True)
    if run.visits_done:
        console.print(f"continues after visit {_counted(run.visits_done, len(visits), ' of ')}, from {folder}")
    run.stream.stops_when(asked_to_stop)
    with bar.shown(run.stream.steps_before(run.visits_done)):
        for record in _visits(run, bar, asked_to_stop, len(visits)):
            unscored = record.missing_score(evaluable(settings, run_data))
            console.print(_visit_line(record, settings, run_data.source_only, unscored, bar.left()))
    if not run.visits_done:
        raise InputError(
            "stream.follow: no frame came before the stream ended; check the folder and the pattern images, or wait "
            "longer with stream.follow.idle_minutes"
        )
    report = run.report()
    if run.finished and (line := _undetected(settings, report)):
        console.print(line)
    return report


def print_tags(folder: Path, console: Console) -> None:
    """The tags of a run, if it has any."""
    tags = RunDir(folder).tags()
    if tags:
        console.print(f"tags: {', '.join(tags)}")


def print_report(report: RunReport, console: Console, *, holds_out: bool = True) -> None:
    """Prints a row per evaluated visit, in percent; without held-out frames, one per visit with its online scores."""
    if not holds_out:
        _print_online(report, console)
        return
    table = Table(title=f"mIoU in percent, settings {report.settings_hash}, seed {report.seed}")
    for column in ("visit", "domain", "source-only", "adapted", "gain", "online"):
        table.add_column(column, justify="left" if column == "domain" else "right")
    for record in (record for record in report.visits if record.is_scored):
        adapted, source = record.visited_miou, report.source_only[record.domain]
        online = "" if record.online_miou is None else f"{100 * record.online_miou:.1f}"
        numbers = (f"{100 * source:.1f}", f"{100 * adapted:.1f}", f"{100 * (adapted - source):+.1f}", online)
        table.add_row(str(record.visit), record.domain, *numbers)
    means = (f"{100 * report.source_only_mean_miou:.1f}", f"{100 * report.mean_miou:.1f}", f"{100 * report.gain:+.1f}")
    if report.unscored != tuple(dict.fromkeys(record.domain for record in report.visits)):
        table.add_section()
        table.add_row("", "mean", *means, "")
        console.print(table)
    if report.unscored:
        console.print(f"adapted to, not scored, because no held-out frame has a label: {', '.join(report.unscored)}")
        _print_label_free(report, console)


def _print_online(report: RunReport, console: Console) -> None:
    """Prints the scores of frames before they are learned from, of a run that evaluates no held-out frame."""
    console.print("no held-out frame was evaluated, because evaluation.domains is []")
    known = [record for record in report.visits if record.online_miou is not None]
    if known:
        table = Table(title=f"in percent, before each step, settings {report.settings_hash}, seed {report.seed}")
        for column in ("visit", "domain", "online mIoU", "adaptation speed"):
            table.add_column(column, justify="left" if column == "domain" else "right")
        for record in known:
            numbers = (f"{100 * (value or 0.0):.1f}" for value in (record.online_miou, record.adaptation_speed))
            table.add_row(str(record.visit), record.domain, *numbers)
        console.print(table)
    _print_label_free(report, console)


def _print_label_free(report: RunReport, console: Console) -> None:
    """Prints the label-free scores of the visits that have no mIoU, if there are any."""
    visits = [record for record in report.visits if record.domain in report.unscored and record.label_free]
    if not visits:
        return
    table = Table(title="label-free scores, means over the frames before they are learned from")
    for column in ("visit", "domain", *visits[0].label_free):
        table.add_column(column, justify="left" if column == "domain" else "right")
    for record in visits:
        table.add_row(str(record.visit), record.domain, *(f"{value:.4f}" for value in record.label_free.values()))
    console.print(table)


def _visits(run: Run, bar: ProgressBar, asked_to_stop: Asked, total: int) -> Iterator[VisitRecord]:
    """Runs the visits that are left, `total` of them if that is not 0, and yields the record of each."""
    while not run.finished:
        if asked_to_stop():
            raise KeyboardInterrupt
        done = run.visits_done
        bar.visit(f"visit {_counted(done + 1, total, ' of ')}: {run.stream.domain(done)}")
        record = _next_visit(run)
        if record is not None:
            yield record


def _counted(number: int, total: int, of: str) -> str:
    return f"{number}{of}{total}" if total else str(number)


def _next_visit(run: Run) -> VisitRecord | None:
    """Returns the record of the next visit; None if a followed stream was stopped, or ended, before a frame came."""
    try:
        return run.next_visit()
    except StreamEnded:
        return None
    except Diverged as failure:
        # Its line names the rates and weights to try; where in our code it was noticed says nothing to anyone.
        raise InputError(str(failure)) from failure


def _undetected(settings: RunSettings, report: RunReport) -> str:
    """Returns a line for a controller whose detector saw no change of domain; empty otherwise."""
    controller = settings.controller
    if not isinstance(controller, HamletSettings) or report.visits[-1].controller.get("detector.direction") != 0.0:
        return ""
    waits = controller.budget.before_first_jump == "wait" and controller.budget.policy != "none"
    learned = "no step learned" if waits else "every step learned as without it"
    return (
        f"the controller hamlet detected no change of domain in this stream, so that {learned}; a smaller "
        "controller.detector.window or threshold detects more"
    )


def _visit_line(
    record: VisitRecord, settings: RunSettings, source_only: dict[str, float], unscored: str, left: str
) -> str:
    scores = unscored
    if not record.is_scored and record.online_miou is not None:
        scores += f", online mIoU {100 * record.online_miou:.1f} %"
    if not record.is_scored and record.label_free:
        scores += "".join(f", {name} {value:.3f}" for name, value in record.label_free.items())
    if record.is_scored:
        scores = f"mIoU {100 * record.visited_miou:.1f} % (source-only {100 * source_only[record.domain]:.1f} %)"
    if record.training_iou:
        training = sum(record.training_iou.values()) / len(record.training_iou)
        scores += f", {100 * training:.1f} % on the training frames"
    visit = f"visit {_counted(record.visit + 1, len(planned_visits(settings.stream)), '/')} {record.domain}"
    alone = "" if settings.predicts_stream() else " without prediction"
    line = f"{visit}: {scores}, {record.frames_per_second:.0f} frames/s{alone}"
    return f"{line}, {left}" if left else line
