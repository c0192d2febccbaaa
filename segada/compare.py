"""Every method beside the others: `python -m segada.compare RECIPE.yaml` runs each with several seeds on one stream."""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from rich.console import Console

from segada.cli.console import terminal
from segada.cli.exit_codes import Parser, exit_code
from segada.cli.output_dir import check_file, check_folder, check_own, named_folder
from segada.comparison.recipe import Recipe, load_recipe, shipped_recipes
from segada.comparison.runs import ComparedRun, carry_out, claim, finished_report
from segada.comparison.statistics import summarize
from segada.comparison.tables import Comparison, markdown, methods_csv, rich_table, runs_csv, verdicts
from segada.core.atomic_io import write_text
from segada.core.run_names import draft
from segada.engine.run_data import RunData, prepare_data, run_data_key
from segada.errors import InputError
from segada.pretrain import pretrain
from segada.settings import RunSettings
from segada.settings.assignments import parse_assignments

COMPARISON_MARKS = ("runs/*/settings.yaml", draft("runs/*/settings.yaml"), "source/settings.yaml", "comparison.md")
"""Of which a folder has one as soon as a comparison is begun in it."""


def compare(recipe: Recipe, out: Path, jobs: int, console: Console) -> Comparison:
    """Trains the source model, does every run that is not finished, and writes the tables.

    Args:
        recipe: What is compared.
        out: Folder of everything: `source`, `runs`, `comparison.md`, `comparison.csv` and `runs.csv`.
        jobs: Runs at a time.
        console: Where progress is printed.

    Raises:
        InputError: data or weights are missing or do not fit, or a folder in `out` holds another run.
    """
    weights = out / "source" / "weights.safetensors" if recipe.source() is not None else None
    runs = [
        _run(recipe, method, seed, out, weights)
        for method in recipe.settings.methods
        for seed in range(recipe.settings.seeds)
    ]
    left = [run for run in runs if run.report() is None]
    if len(left) < len(runs):
        console.print(f"{len(runs) - len(left)} of {len(runs)} runs are done, in {out}")
    failures = _do(left, recipe, out, jobs, console) if left else {}
    comparison = _summary(recipe, runs, failures)
    write_text(out / "comparison.md", markdown(comparison))
    write_text(out / "comparison.csv", methods_csv(comparison))
    done = [(run.method, report) for run in runs if (report := run.report()) is not None]
    write_text(out / "runs.csv", runs_csv(done, comparison.visits))
    return comparison


def main() -> int:
    """The command line."""
    parser = Parser(prog="python -m segada.compare", description=__doc__)
    shipped = ", ".join(name.removesuffix(".yaml") for name in shipped_recipes())
    parser.add_argument("recipe", help=f"what is compared (YAML), or the name of a shipped recipe: {shipped}")
    parser.add_argument("--out", help="folder of the results; default: runs/ and the recipe's name")
    parser.add_argument("--seeds", type=int, help="the same as --set seeds=N")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time; default: 1, which measures speed best")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the table here")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="assignments")
    arguments = parser.parse_args()

    def command() -> None:
        if arguments.jobs < 1:
            raise InputError(f"--jobs must be at least 1, but is {arguments.jobs}")
        overrides = parse_assignments(arguments.assignments)
        if arguments.seeds is not None:
            overrides["seeds"] = arguments.seeds
        recipe = load_recipe(arguments.recipe, overrides, {"seeds": "--seeds"})
        out = named_folder(arguments.out, Path("runs") / recipe.name)
        check_folder(out)
        check_own(out, "comparison", COMPARISON_MARKS)
        if arguments.markdown is not None:
            check_file(arguments.markdown, "--markdown")
        console = terminal()
        comparison = compare(recipe, out, arguments.jobs, console)
        console.print(rich_table(comparison))
        for sentence in (*verdicts(comparison), *comparison.remarks):
            console.print(sentence.replace("`", ""))
        if arguments.markdown is not None:
            write_text(arguments.markdown, markdown(comparison))
        console.print(f"results in {out}")

    return exit_code(command)


def _run(recipe: Recipe, method: str, seed: int, out: Path, weights: Path | None) -> ComparedRun:
    settings = recipe.run_settings(method, seed, weights)
    return ComparedRun(method, out / "runs" / f"{method}-s{settings.seed}", settings)


def _do(
    left: Sequence[ComparedRun], recipe: Recipe, out: Path, jobs: int, console: Console
) -> dict[str, dict[int, str]]:
    """Does the runs; returns, by method and seed, why some did not finish."""
    claim(left)
    _train_source(recipe, out / "source", console)
    prepared: dict[str, RunData] = {}
    with console.status("reading frames and scoring the source model"):
        for run in left:
            key = run_data_key(run.settings)
            if key not in prepared:
                prepared[key] = _prepared(run)
    failures: dict[str, dict[int, str]] = {}
    with console.status(f"{len(left)} runs, {min(jobs, len(left))} at a time") as status:
        for number, (run, failure) in enumerate(carry_out(left, prepared, jobs), start=1):
            if failure is not None:
                failures.setdefault(run.method, {})[run.settings.seed] = failure
            console.print(f"{number}/{len(left)} {run.name}: {_line(run, failure)}")
            status.update(f"{len(left) - number} runs left")
    return failures


def _train_source(recipe: Recipe, folder: Path, console: Console) -> None:
    source = recipe.source()
    if source is not None and finished_report(folder, source) is None:
        console.print("training the source model")
        pretrain(source, folder, console)


def _prepared(run: ComparedRun) -> RunData:
    try:
        return prepare_data(run.settings)
    except ValueError as error:
        raise InputError(f"methods.{run.method}: {error}") from error


def _line(run: ComparedRun, failure: str | None) -> str:
    report = run.report()
    if report is None:
        return f"did not finish: {failure}"
    return f"mean mIoU {100 * report.mean_miou:.1f} %, gain {100 * report.gain:+.1f}, {report.seconds:.0f} s"


def _summary(recipe: Recipe, runs: Sequence[ComparedRun], failures: Mapping[str, Mapping[int, str]]) -> Comparison:
    reports = {
        method: {
            run.settings.seed: report for run in runs if run.method == method and (report := run.report()) is not None
        }
        for method in recipe.settings.methods
    }
    baseline = next((run.method for run in runs if run.settings.method.name == "batch_norm"), None)
    batch_norm = {} if baseline is None else reports[baseline]
    base = recipe.base()
    return Comparison(
        name=recipe.name,
        visits=base.stream.all_visits(),
        results=[
            summarize(method, found, batch_norm, failures.get(method, {})) for method, found in reports.items() if found
        ],
        lost={method: failures[method] for method, found in reports.items() if not found},
        remarks=_remarks(recipe, base, max(run.parallel_runs() for run in runs)),
    )


def _remarks(recipe: Recipe, base: RunSettings, parallel_runs: int) -> list[str]:
    seeds, stream, model = recipe.settings.seeds, base.stream, "one source model, " if recipe.source() else ""
    frames = "all frames" if stream.frames is None else f"{stream.frames} frames"
    times = f"{stream.passes} times" if stream.passes > 1 else "once"
    alone = "one run at a time" if parallel_runs == 1 else f"up to {parallel_runs} runs at a time, which slows each"
    how = (
        f"Seeds per method: {seeds}, {model}scored on the frames `{base.evaluation.split}`; each visit goes over "
        f"{frames} {times}, {stream.batch_size} a step."
    )
    speed = (
        f"frames/s: median over visits and seeds of frames predicted and adapted on per second, measured {alone}; "
        f"{base.runtime.device}, {os.cpu_count()} cores of which a run takes {base.runtime.threads}, "
        f"{platform.machine()}, torch {torch.__version__}."
    )
    return [how, speed]


if __name__ == "__main__":
    sys.exit(main())
