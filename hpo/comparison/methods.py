"""Methods at fixed settings beside each other: each runs with several seeds on one stream; nothing is searched."""

import math
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from hpo.comparison.method_runs import (
    RUNS_AT_A_TIME,
    MethodRun,
    carry_out,
    check_own_runs,
    finished_report,
    most_at_a_time,
    train,
)
from hpo.comparison.method_statistics import summarize
from hpo.comparison.method_tables import (
    MethodComparison,
    markdown,
    remarks_on_results,
    runs_csv,
    seeds_table,
    summary_csv,
)
from hpo.comparison.methods_file import MethodsFile
from hpo.comparison.wording import frames_of, timed
from segada.cli.output_dir import check_folder, check_own
from segada.core.atomic_io import write_text
from segada.core.run_names import draft
from segada.settings import RunSettings

MARKS = ("runs/*/settings.yaml", draft("runs/*/settings.yaml"), "source/settings.yaml", "comparison.md", RUNS_AT_A_TIME)
"""Files of which a folder has one as soon as a comparison is begun in it."""


def compare_methods(file: MethodsFile, out: Path, jobs: int, console: Console) -> MethodComparison:
    """Trains the source model, does every run that is not finished, writes the tables and prints them.

    Args:
        file: Methods to compare.
        out: Folder of everything: `source`, `runs`, `comparison.md`, `comparison.csv` and `runs.csv`.
        jobs: Runs at a time.
        console: Where progress and tables are printed.

    Raises:
        InputError: data or weights are missing or do not fit, or a folder in `out` holds another run.
        StorageError: the file system takes nothing more.
    """
    check_folder(out)
    check_own(out, "comparison", MARKS)
    weights = out / "source" / "weights.safetensors" if file.settings.pretrain is not None else None
    runs = [
        _run(file, method, seed, out, weights)
        for method in file.settings.methods
        for seed in range(file.settings.seeds)
    ]
    left = [run for run in runs if run.report() is None]
    if len(left) < len(runs):
        console.print(f"{len(runs) - len(left)} of {len(runs)} runs are done, in {out}")
    failures = _do(left, file, out, jobs, console) if left else {}
    comparison = _summary(file, runs, failures, most_at_a_time(out, runs))
    write_text(out / "comparison.md", markdown(comparison))
    write_text(out / "comparison.csv", summary_csv(comparison))
    done = [(run.method, report) for run in runs if (report := run.report()) is not None]
    write_text(out / "runs.csv", runs_csv(done, comparison.visits))
    console.print(seeds_table(comparison))
    for sentence in (*remarks_on_results(comparison), *comparison.remarks):
        console.print(sentence.replace("`", ""))
    console.print(f"results in {out}")
    return comparison


def _run(file: MethodsFile, method: str, seed: int, out: Path, weights: Path | None) -> MethodRun:
    settings = file.run_settings(method, seed, weights)
    return MethodRun(method, out / "runs" / f"{method}-s{settings.seed}", settings)


def _do(
    left: Sequence[MethodRun], file: MethodsFile, out: Path, jobs: int, console: Console
) -> dict[str, dict[int, str]]:
    """Does the runs. Returns the reasons why some did not finish, by method and seed."""
    check_own_runs(left)
    file.check_data_and_networks()
    source = file.source()
    if source is not None and finished_report(out / "source", source) is None:
        console.print(f"training the source model; how far it is: {out / 'source' / 'log.txt'}")
        train(source, out / "source")
    failures: dict[str, dict[int, str]] = {}
    with console.status(f"{len(left)} runs, {min(jobs, len(left))} at a time") as status:
        for number, (run, failure) in enumerate(carry_out(left, out, jobs), start=1):
            if failure is not None:
                failures.setdefault(run.method, {})[run.settings.seed] = failure
            console.print(f"{number}/{len(left)} {run.name}: {_line(run, failure)}")
            status.update(f"{len(left) - number} runs left")
    return failures


def _line(run: MethodRun, failure: str | None) -> str:
    report = run.report()
    if report is None:
        return f"did not finish: {failure}"
    scored = f"mean mIoU {100 * report.mean_miou:.1f} %, gain {100 * report.gain:+.1f}"
    unscored = "not scored, without labels" if run.settings.evaluation.holds_out else "no held-out frame is scored"
    return f"{unscored if math.isnan(report.mean_miou) else scored}, {report.seconds:.0f} s"


def _summary(
    file: MethodsFile, runs: Sequence[MethodRun], failures: Mapping[str, Mapping[int, str]], at_a_time: int
) -> MethodComparison:
    reports = {
        method: {
            run.settings.seed: report for run in runs if run.method == method and (report := run.report()) is not None
        }
        for method in file.settings.methods
    }
    baseline = next((run.method for run in runs if run.settings.method.name == "batch_norm"), None)
    batch_norm = {} if baseline is None else reports[baseline]
    base = file.base()
    return MethodComparison(
        name=file.name,
        visits=base.stream.all_visits(),
        results=[
            summarize(method, found, batch_norm, failures.get(method, {})) for method, found in reports.items() if found
        ],
        lost={method: failures[method] for method, found in reports.items() if not found},
        remarks=_remarks(file, base, at_a_time),
    )


def _remarks(file: MethodsFile, base: RunSettings, at_a_time: int) -> list[str]:
    stream, model = base.stream, "one source model, " if file.settings.pretrain is not None else ""
    times = f"{stream.passes} times" if stream.passes > 1 else "once"
    alone = "one run at a time" if at_a_time == 1 else f"up to {at_a_time} runs at a time, which slows each"
    how = (
        f"Seeds per method: {file.settings.seeds}, {model}scored on the frames `{base.evaluation.split}`; each visit "
        f"goes over {frames_of(stream)} {times}, {stream.batch_size} a step."
    )
    speed = (
        f"frames/s: median over visits and seeds of frames {timed(base)} per second, measured {alone}; "
        f"{base.runtime.device}, {os.cpu_count()} cores of which a run takes {base.runtime.threads}, "
        f"{platform.machine()}, torch {version('torch')}."
    )
    return [how, speed]
