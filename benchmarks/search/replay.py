"""Compares samplers on recorded trials of the default world, with and without pruning, under a virtual clock.

Every proposal is replaced by the nearest recorded trial that the search has not had, visit by visit as recorded. The
table shows the regret, in points of mean mIoU below the best recorded trial, after shares of the budget in frames; and
the share after which a search reaches the final result of random search without pruning with the same seed. Means and
medians over seeds, with 95 % intervals (bootstrap).
"""

import argparse
import csv
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from numpy.typing import NDArray
from rich.progress import track
from rich.table import Table

from benchmarks.search.options import count, folder
from benchmarks.search.recorded import SHIPPED, RecordedTable, read_table
from benchmarks.search.searches import STOCK, build
from benchmarks.search.virtual_clock import Found, VirtualClock
from hpo.config.rung_values import RUNG_VALUES
from hpo.pruners.settings import HalvingSettings
from hpo.samplers.registry import SAMPLERS
from segada.cli.console import terminal
from segada.cli.output_dir import check_own

FIELDS = ("sampler", "pruning", "seed", "frames", "mean_miou")
DEFAULT_SAMPLERS = ("genetic", "tpe", "cmaes", "nsga2", "nsga3", "qmc", "random", "grid", "optuna-tpe")
SHARES = (0.125, 0.25, 0.5, 1.0)
"""Shares of the budget at which regret is shown."""
STARTUP = 8
"""Number of first trials that are never pruned, as in the shipped studies."""
PRUNING = ("none", *RUNG_VALUES)
"""Values by which trials are halved; `none` disables pruning."""
REPLICATES = 2000

Numbers = NDArray[np.float64]


@dataclass(frozen=True, order=True)
class ReplayKey:
    """A search: sampler, pruning and seed."""

    sampler: str
    pruning: str
    """Pruning, one of `PRUNING`."""
    seed: int


@dataclass(frozen=True)
class ReplayScore:
    """Results of the searches of one sampler, with or without pruning.

    Attributes:
        regret: Seeds × shares of the budget: mIoU below the best recorded trial; the best mIoU itself before the first
            trial ends.
        reached: For each seed, the share of the budget after which the search reaches the final result of random
            search; infinite if it never does.
    """

    regret: Numbers
    reached: Numbers


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    names = [*SAMPLERS, *STOCK]
    parser.add_argument("--samplers", nargs="+", choices=names, default=DEFAULT_SAMPLERS, metavar="NAME")
    parser.add_argument("--table", type=Path, default=SHIPPED, metavar="FILE", help="(default: the shipped table)")
    parser.add_argument("--seeds", type=count(), default=20, metavar="N")
    parser.add_argument(
        "--trials",
        type=count(),
        metavar="N",
        help="number of trials whose frames are the budget (default: all of the table)",
    )
    parser.add_argument(
        "--workers", type=count(), default=2, metavar="N", help="number of parallel trials on the virtual clock"
    )
    parser.add_argument(
        "--min-visits", type=count(), default=2, metavar="N", help="number of visits before the pruner's first rung"
    )
    parser.add_argument("--jobs", type=count(), default=1, metavar="N", help="processes")
    parser.add_argument("--out", type=folder, default=Path("runs/bench/replay"), metavar="DIR")


def run(arguments: argparse.Namespace) -> None:
    """Replays searches, and prints and writes the results.

    Raises:
        InputError: if the table does not exist.
    """
    check_own(arguments.out, "replay of this benchmark", ["replay.csv"])
    table = read_table(arguments.table)
    budget = table.frames * (arguments.trials or len(table.trials))
    samplers = list(dict.fromkeys((*arguments.samplers, "random")))
    keys = [ReplayKey(*one) for one in itertools.product(samplers, PRUNING, range(arguments.seeds))]
    replay = Replay(arguments.table, budget, arguments.workers, arguments.min_visits)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        courses = list(track(pool.map(replay, keys), "replaying", len(keys), transient=True))
    found = dict(zip(keys, courses, strict=True))
    arguments.out.mkdir(parents=True, exist_ok=True)
    _write(found, arguments.out / "replay.csv")
    console = terminal()
    console.print(_described(table, budget, arguments.workers))
    console.print(_table(scores(found, float(table.mean_miou.max()), budget), samplers))


@dataclass(frozen=True)
class Replay:
    """Runs one search, in any process."""

    table: Path
    frames: int
    workers: int
    min_visits: int

    def __call__(self, key: ReplayKey) -> list[Found]:
        """Returns the improvements that the search found, in order."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        table = read_table(self.table)
        sampler = build(key.sampler, table.space, self.frames // table.frames, key.seed)
        return VirtualClock(table, sampler, self._pruning(key.pruning), self.workers).search(self.frames)

    def _pruning(self, value: str) -> HalvingSettings | None:
        if value not in RUNG_VALUES:
            return None
        given = {"min_visits": self.min_visits, "n_startup_trials": STARTUP, "value": value}
        return HalvingSettings.model_validate(given)


def scores(found: dict[ReplayKey, list[Found]], best: float, budget: int) -> dict[tuple[str, str], ReplayScore]:
    """Compares searches.

    Args:
        found: improvements of each search; random search without pruning must be among them with every seed.
        best: mean mIoU of the best recorded trial.
        budget: budget of each search, in frames.
    """
    kinds = dict.fromkeys((key.sampler, key.pruning) for key in found)
    seeds = sorted({key.seed for key in found})
    result = {}
    for sampler, pruning in kinds:
        courses = [found[ReplayKey(sampler, pruning, seed)] for seed in seeds]
        targets = [found[ReplayKey("random", "none", seed)][-1].mean_miou for seed in seeds]
        regret = [[best - _reached(course, share * budget) for share in SHARES] for course in courses]
        reached = [_frames_to(course, target) / budget for course, target in zip(courses, targets, strict=True)]
        result[sampler, pruning] = ReplayScore(np.array(regret), np.array(reached))
    return result


def _reached(course: Sequence[Found], frames: float) -> float:
    return max((one.mean_miou for one in course if one.frames <= frames), default=0.0)


def _frames_to(course: Sequence[Found], target: float) -> float:
    return next((one.frames for one in course if one.mean_miou >= target), math.inf)


def _described(table: RecordedTable, budget: int, workers: int) -> str:
    values = 100 * np.sort(table.mean_miou)
    return (
        f"{len(table.trials)} recorded trials of {table.recording.study}: mean mIoU {values[0]:.1f} to "
        f"{values[-1]:.1f} %, median {np.median(values):.1f}; the nearest other one predicts a result with Spearman "
        f"correlation {table.fidelity():.2f}\nbudget: {budget} frames, which are {budget / table.frames:g} whole "
        f"trials; {workers} at a time\n"
    )


def _table(found: dict[tuple[str, str], ReplayScore], samplers: Iterable[str]) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0))
    for column in ("sampler", "halved by", *(f"regret at {share:.1%}" for share in SHARES)):
        table.add_column(column)
    table.add_column("share of the budget to random's best (median)")
    table.add_column("seeds there by a quarter")
    for sampler, pruning in itertools.product(samplers, PRUNING):
        score = found[sampler, pruning]
        regrets = [_interval(100 * column, np.mean, "{:.2f}") for column in score.regret.T]
        early = int((score.reached <= 0.25).sum())
        table.add_row(
            sampler,
            pruning,
            *regrets,
            _interval(score.reached, np.median, "{:.2f}"),
            f"{early} of {len(score.reached)}",
        )
    return table


def _interval(values: Numbers, statistic: Callable[..., Numbers], shown: str) -> str:
    generator = np.random.default_rng(0)
    draws = generator.integers(len(values), size=(REPLICATES, len(values)))
    low, high = np.quantile(statistic(values[draws], axis=1), (0.025, 0.975), method="nearest")
    return "{} [{}, {}]".format(*(shown.format(one) for one in (statistic(values), low, high)))


def _write(found: dict[ReplayKey, list[Found]], path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        for key, course in sorted(found.items()):
            writer.writerows([key.sampler, key.pruning, key.seed, one.frames, f"{one.mean_miou:.6f}"] for one in course)
