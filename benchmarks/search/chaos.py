"""Compares disturbed studies, of our engine or an external one, with the same study left undisturbed.

Every kind of fault has its own studies. A study is disturbed at random times, drawn from the duration of the
undisturbed study, and its command is restarted until it is done; further studies follow until all kills are spent. The
table shows lost runs (a report that is gone or changed), repeated visits, files that differ from the undisturbed
study's, and the seconds from a kill until every interrupted run has its next visit.
"""

import argparse
import itertools
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.search.fault import Impossible, Kind
from benchmarks.search.fault_campaign import Campaign, Control, Outcome, control
from benchmarks.search.faults import ALL, KINDS, KINDS_OF_COMMANDS
from benchmarks.search.options import count, folder
from hpo.study.created_files import remove_named
from hpo.study.folder import remove_study
from segada.cli.console import PlainConsole
from segada.errors import InputError

STUDY = """
name: chaos
run:
  seed: {seed}
  data: {{size: [32, 64], splits: {{source: 24, adapt: 24, val: 4, test: 4}}}}
  stream: {{visits: [clear, 100mm, 200mm], frames: 16, replay: {{size: 24}}}}
  evaluation: {{split: val}}
  logging: {{frames: true}}
space:
  method.name: {{type: choice, choices: [dacs, source_only], default: dacs}}
  method.pseudo_threshold: {{type: float, low: 0.1, high: 0.9, when: {{method.name: dacs}}}}
sampler: {{name: random, seed: {seed}}}
budget: {{trials: 6}}
# Frames are small, so that runs are short; the source model does not work on them.
confirm: {{top: 1, seeds: 1, source_at_least: 0.0}}
# One run may be hit many times; the number of retries is not measured.
resources: {{workers: 2, retries: 1000}}
"""
PROGRAM = Path(__file__).with_name("chaos_program.py")
COMMAND_STUDY = """
name: chaos
engine:
  command: [{python}, {program}, "{{settings}}", "{{folder}}", "{{seed}}", "{{split}}",
    "{{resume}}"]
  visits: [fog, night, rain]
  baselines: {{untouched: {{rate: 0.0}}}}
  areas: true
  seed: {seed}
  grace: 1
run: {{steps: 40}}
space:
  rate: {{type: float, low: 0.01, high: 3.0, log: true}}
sampler: {{name: random, seed: {seed}}}
budget: {{trials: 6}}
confirm: {{top: 1, seeds: 1}}
resources: {{workers: 2, retries: 1000}}
"""
STUDIES: Mapping[str, tuple[str, Mapping[str, type[Kind]]]] = {
    "segada": (STUDY, KINDS),
    "command": (COMMAND_STUDY, KINDS_OF_COMMANDS),
}
"""Study of each engine, and the kinds of faults that it can have."""
COLUMNS = ("kind", "kills", "studies", "trials", "lost", "repeated", "differing", "s to go on", "worst")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    parser.add_argument(
        "--kills", type=count(), default=100, metavar="N", help="number of kills over all kinds, shared evenly"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the study, the times and the targets")
    parser.add_argument("--engine", choices=STUDIES, default="segada", help="engine of the studies (default: segada)")
    parser.add_argument("--kinds", type=_kinds, metavar=",".join(ALL), help="kinds of faults (default: all)")
    parser.add_argument(
        "--out", type=folder, default=Path("runs/bench/chaos"), metavar="DIR", help="folder of the results and findings"
    )


def run(arguments: argparse.Namespace) -> None:
    """Injects faults and prints the outcome.

    Raises:
        InputError: if the folder contains findings of an earlier command.
        SystemExit: if anything was lost, repeated or different.
    """
    out = arguments.out.resolve()
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out}: contains findings of an earlier command; remove them, or name another --out")
    console = PlainConsole(soft_wrap=True)
    study, possible = STUDIES[arguments.engine]
    kinds = arguments.kinds or list(possible)
    impossible = next((kind for kind in kinds if kind not in possible), None)
    if impossible is not None:
        raise InputError(f"--kinds: {impossible} cannot hit the engine {arguments.engine}; {', '.join(possible)} can")
    with own_ray():
        against = undisturbed(out, arguments.seed, study)
        console.print(f"undisturbed, the study takes {against.seconds:.1f} s")
        shares = np.array_split(np.arange(arguments.kills), len(kinds))
        outcomes = {
            kind: disturbed(kind, against, out, len(share), arguments.seed, console)
            for kind, share in zip(kinds, shares, strict=True)
        }
    show(outcomes, console)
    if any(outcome.wrong for outcome in outcomes.values()):
        raise SystemExit(1)
    remove_study(against.out)
    remove_named(out, (against.file.name, f"{against.out.name}.log", "*/"))


def undisturbed(out: Path, seed: int, study: str = STUDY) -> Control:
    """Runs the undisturbed study, with which the others are compared, in the folder `control`."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "chaos.yaml"
    file.write_text(study.format(seed=seed, python=sys.executable, program=PROGRAM))
    return control(file, out / "control")


def disturbed(kind: str, against: Control, out: Path, kills: int, seed: int, console: Console) -> Outcome:
    """Injects faults of one kind and returns the outcome.

    Args:
        kind: Name of the kind.
        against: The undisturbed study.
        out: Folder of all kinds; studies with findings are kept there, under the kind's name.
        kills: Number of faults.
        seed: Seed of the times and targets.
        console: Console that prints each fault.
    """
    outcome = Outcome()
    generator = np.random.default_rng([seed, *kind.encode()])
    incidents = ALL[kind](out / kind)
    try:
        with incidents.ready():
            for number in itertools.count():
                if outcome.kills >= kills:
                    break
                campaign, found = Campaign(incidents, against, str(number), generator), outcome.wrong
                campaign.run(outcome, kills - outcome.kills, partial(_say, console, kind))
                if outcome.wrong == found:
                    campaign.remove()
            _keep(incidents.place)
    except (Impossible, TimeoutError) as reason:
        console.print(f"{kind}: no further, {reason}")
    show({kind: outcome}, console)
    return outcome


def show(outcomes: Mapping[str, Outcome], console: Console) -> None:
    """Prints a row per kind, the sum of several kinds, and all findings."""
    table = Table(title="studies killed", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for name in COLUMNS:
        table.add_column(name)
    for kind, outcome in outcomes.items():
        table.add_row(kind, *_row(outcome))
    whole = Outcome()
    for outcome in outcomes.values():
        whole.kills, whole.studies = whole.kills + outcome.kills, whole.studies + outcome.studies
        whole.trials += outcome.trials
        for name in ("lost", "repeated", "differing", "faults", "seconds"):
            getattr(whole, name).extend(getattr(outcome, name))
    if len(outcomes) > 1:
        table.add_row("all", *_row(whole))
    console.print(table)
    for what in ("lost", "repeated", "differing", "faults"):
        for line in getattr(whole, what):
            console.print(f"{what}: {line}")


def _row(outcome: Outcome) -> Iterator[str]:
    counts = (outcome.kills, outcome.studies, outcome.trials)
    yield from map(str, counts)
    yield from (str(len(found)) for found in (outcome.lost, outcome.repeated, outcome.differing))
    yield f"{statistics.median(outcome.seconds):.1f}" if outcome.seconds else "-"
    yield f"{max(outcome.seconds):.1f}" if outcome.seconds else "-"


def _say(console: Console, kind: str, what: str) -> None:
    console.print(f"{kind}: study {what}")


def _keep(place: Path) -> None:
    """Copies findings from a file system that is about to be unmounted."""
    if place.is_mount():
        shutil.copytree(place, f"{place}-kept")


@contextmanager
def own_ray() -> Iterator[None]:
    """Makes Ray, here and in drivers, use a temporary folder, hidden from other Ray clusters on this machine."""
    former = os.environ.get("RAY_TMPDIR")
    with tempfile.TemporaryDirectory(prefix="chaos", dir="/tmp", ignore_cleanup_errors=True) as folder:
        os.environ["RAY_TMPDIR"] = folder
        (Path(folder) / "ray").mkdir()
        try:
            yield
        finally:
            del os.environ["RAY_TMPDIR"]
            if former is not None:
                os.environ["RAY_TMPDIR"] = former


def _kinds(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in ALL]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]} is not a kind of fault; choose from {', '.join(ALL)}")
    return names
