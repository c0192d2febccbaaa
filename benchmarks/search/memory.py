"""Measures the end of a search by the number of trials: peak memory, seconds and size of the report.

The studies are synthetic: a journal in the format of `ga_dacs`, every trial complete, with random values, and a folder
for each trial, whose files are links to one of `--reports` distinct sets. `python -m hpo.report` reads them in a
separate process, whose peak resident set includes everything that it imports.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from rich.table import Table

from hpo.config.study_file import StudyFile, load_study
from hpo.study.journal.file import JOURNAL
from hpo.study.plan import Plan
from hpo.study.provenance import write_study
from hpo.study.study import open_study
from segada.cli.console import terminal
from segada.errors import InputError
from segada.records import RunReport, VisitRecord

STUDY = "ga_dacs"
CLASSES = 19
SCORES = ("entropy", "confidence")
SET_PARAMETER, SET_STATE, CREATE = 5, 6, 4
"""Operation codes of Optuna's journal."""
MIB, GIB = 2**20, 2**30

_REBUILD = """
import sys, time
from pathlib import Path
began = time.perf_counter()
from hpo.report import rebuild
rebuild(Path(sys.argv[1]))
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(peak, time.perf_counter() - began)
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    parser.add_argument(
        "--trials", type=int, nargs="+", default=[1000, 5000, 20000, 50000], metavar="N", help="sizes of the studies"
    )
    parser.add_argument("--reports", type=int, default=200, metavar="N", help="different reports among the trials")


def run(arguments: argparse.Namespace) -> None:
    """Prints a row for each size.

    Raises:
        InputError: if a number is below 1.
    """
    if min(*arguments.trials, arguments.reports) < 1:
        raise InputError("--trials and --reports must be at least 1")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    table = Table(box=None, padding=(0, 3, 0, 0))
    for column in ("trials", "peak memory, GiB", "seconds", "report.html, MiB", "results.csv, MiB"):
        table.add_column(column, justify="right")
    for trials in arguments.trials:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "study"
            make_study(out, trials, arguments.reports)
            need = need_of(out)
        sizes = (f"{need.page / MIB:.1f}", f"{need.csv / MIB:.1f}")
        table.add_row(f"{trials:,}", f"{need.memory / GIB:.2f}", f"{need.seconds:.0f}", *sizes)
    terminal().print(table)


@dataclass(frozen=True)
class Need:
    """Cost of writing the results of a study.

    Attributes:
        memory: Peak resident set in bytes, including imports.
        seconds: Seconds from the first import to the end.
        page: Size of report.html in bytes.
        csv: Size of results.csv in bytes.
    """

    memory: int
    seconds: float
    page: int
    csv: int


def need_of(out: Path) -> Need:
    """Writes the results of a study in a separate process and returns the cost."""
    ran = subprocess.run([sys.executable, "-c", _REBUILD, str(out)], check=True, capture_output=True, text=True)
    peak, seconds = ran.stdout.splitlines()[-1].split()
    sizes = [(out / name).stat().st_size for name in ("report.html", "results.csv")]
    return Need(1024 * int(peak), float(seconds), *sizes)


def make_study(out: Path, trials: int, reports: int) -> None:
    """Writes a synthetic finished study without a confirmation.

    Args:
        out: Folder of the study, which is created.
        trials: Number of trials, all complete.
        reports: Number of distinct reports; trials with the same report share its folder.
    """
    file = load_study(STUDY, {"budget.trials": trials, "confirm.top": 0})
    study = open_study(file, out)
    write_study(file, out)
    generator = np.random.default_rng(0)
    first = study.ask()
    assert first is not None
    for visits in range(1, len(file.run_settings().stream.all_visits()) + 1):
        study.report(first.number, visits, 0.1)
    study.complete(first.number, [0.5])
    _multiply(out / JOURNAL, trials, generator)
    plan = Plan(file, out)
    plan.trial_folder(0).parent.mkdir()
    for number in range(trials):
        folder = plan.trial_folder(number)
        if number < reports:
            _write_run(folder, file, generator)
        else:
            folder.symlink_to(plan.trial_folder(number % reports), target_is_directory=True)


def _multiply(journal: Path, trials: int, generator: np.random.Generator) -> None:
    """Repeats the lines of the only trial for all others, with random values."""
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    start = next(one for one in lines if one["op_code"] == CREATE)
    own = [one for one in lines if one.get("trial_id") == 0]
    start = {key: start[key] for key in ("op_code", "worker_id", "study_id")}
    start["datetime_start"] = own[0]["datetime_start"]
    with journal.open("a") as file:
        for number in range(1, trials):
            for line in (start, *_drawn(own[1:], number, generator)):
                file.write(json.dumps(line, separators=(",", ":")) + "\n")


def _drawn(lines: list[dict[str, object]], number: int, generator: np.random.Generator) -> Iterator[dict[str, object]]:
    for line in lines:
        drawn = {**line, "trial_id": number}
        if line["op_code"] == SET_PARAMETER:
            shape = json.loads(str(line["distribution"]))["attributes"]
            options = shape.get("choices")
            drawn["param_value_internal"] = (
                float(generator.uniform(shape["low"], shape["high"]))
                if options is None
                else int(generator.integers(len(options)))
            )
        elif line["op_code"] == SET_STATE:
            drawn["values"] = [float(generator.uniform(0.3, 0.6))]
        yield drawn


def _write_run(folder: Path, file: StudyFile, generator: np.random.Generator) -> None:
    folder.mkdir()
    route = file.run_settings().stream.all_visits()
    domains = sorted(set(route))
    visits = [_visit(number, domain, domains, generator) for number, domain in enumerate(route)]
    mean = float(np.mean([visit.visited_miou for visit in visits]))
    report = RunReport(
        visits=visits,
        mean_miou=mean,
        source_only=dict.fromkeys(domains, 0.4),
        source_only_mean_miou=0.4,
        gain=mean - 0.4,
        forgetting=0.0,
        trainable_parameters=1,
        seconds=6.0,
        settings_hash="0123456789",
        seed=0,
    )
    (folder / "visits.jsonl").write_text("".join(f"{visit.model_dump_json()}\n" for visit in visits))
    (folder / "report.json").write_text(report.model_dump_json())


def _visit(number: int, domain: str, domains: list[str], generator: np.random.Generator) -> VisitRecord:
    iou = {name: {f"class {index}": float(generator.random()) for index in range(CLASSES)} for name in domains}
    return VisitRecord(
        visit=number,
        domain=domain,
        frames=48,
        miou={name: float(np.mean(list(values.values()))) for name, values in iou.items()},
        iou=iou,
        online_miou=0.5,
        label_free={name: float(generator.random()) for name in SCORES},
        losses={"mix": 0.1, "source": 0.2},
        learning_rates={"encoder": 1e-3, "head": 1e-3},
        peak_memory=100.0,
        seconds=1.0,
        frames_per_second=50.0,
    )
