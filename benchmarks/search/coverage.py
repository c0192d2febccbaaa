"""Measures how often intervals hold the truth, and how often the paired test of pruning stops what is as good.

Drives are simulated: mIoU is the ratio of areas summed over correlated frames, under several seeds. For each
correlation of neighboring frames and each number of seeds, a table has the share of drives of which the 95 % interval
holds the true mIoU of a run, and its true gain over the source model; beside it that of a bootstrap of independent
frames and of seeds, as intervals were before.
"""

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Final, TypeAlias

import numpy as np
from rich.progress import track
from rich.table import Table

from benchmarks.search.drives import PROCESSES, World
from benchmarks.search.options import count
from hpo.results.spread import Bootstrap, Draws, Estimate, Measured, Scored, Spread, resampled_miou
from hpo.statistics.paired_test import lower_p
from hpo.statistics.recordings import Recordings
from segada.cli.console import terminal
from segada.metrics import Areas, Floats, mean_iou, mean_iou_by_set

LEVEL: Final = 0.01
"""Level of the paired test, as that of studies by default."""
Ends: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class Cell:
    """One correlation and number of seeds.

    Attributes:
        world: Kind of the drives.
        seeds: Number of seeds.
        truth: True mIoU of the source model and of a run.
        drives: Number of simulated drives.
        frames: Frames of each.
        replicates: Replicates of each bootstrap.
        seed: Seed of the simulation.
    """

    world: World
    seeds: int
    truth: tuple[float, float]
    drives: int
    frames: int
    replicates: int
    seed: int


@dataclass(frozen=True)
class Outcome:
    """Outcome of the intervals of a drive, by name: `miou`, `gain`, and each with `_old`.

    Attributes:
        holds: Whether the interval holds the truth.
        widths: Half of its length, in points of mIoU.
        length: Number of frames in a block.
        stops: Whether the paired test stops a run that is as good as another, in blocks and as independent frames.
    """

    holds: dict[str, bool]
    widths: dict[str, float]
    length: int
    stops: tuple[bool, bool]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    parser.add_argument("--correlations", type=float, nargs="+", default=[0.0, 0.2, 0.5, 0.8, 0.9], metavar="R")
    parser.add_argument("--process", choices=sorted(PROCESSES), default="ar1", help="kind of the correlation")
    parser.add_argument("--seeds", type=count(2), nargs="+", default=[2, 3, 5, 10], metavar="N")
    parser.add_argument("--frames", type=count(10), default=80, metavar="N", help="frames of a drive")
    parser.add_argument("--drives", type=count(10), default=1000, metavar="N", help="simulated drives of each cell")
    parser.add_argument("--replicates", type=count(100), default=400, metavar="N", help="replicates of a bootstrap")
    parser.add_argument("--seed-deviation", type=float, default=0.03, metavar="S", help="of a class's logits")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=count(), default=1, metavar="N", help="processes")


def run(options: argparse.Namespace) -> None:
    """Prints the table."""
    world = World(options.process, 0.0, options.seed_deviation)
    truth = world.truth(np.random.default_rng((options.seed, 1)))
    cells = [
        Cell(
            World(options.process, correlation, options.seed_deviation),
            seeds,
            truth,
            options.drives,
            options.frames,
            options.replicates,
            options.seed,
        )
        for correlation, seeds in product(options.correlations, options.seeds)
    ]
    console = terminal()
    with ProcessPoolExecutor(options.jobs) as pool:
        found = list(track(pool.map(outcomes, cells), "drives", total=len(cells), console=console, transient=True))
    console.print(f"true mIoU {100 * truth[1]:.2f} %, gain {100 * (truth[1] - truth[0]):+.2f} points")
    console.print(_table(options, list(zip(cells, found, strict=True))))


def outcomes(cell: Cell) -> list[Outcome]:
    """Returns what the intervals of each drive of a cell did."""
    return [_outcome(cell, number) for number in range(cell.drives)]


def _outcome(cell: Cell, number: int) -> Outcome:
    generator = np.random.default_rng((cell.seed, number, cell.seeds, round(1000 * cell.world.correlation)))
    source, runs = cell.world.drive(generator, cell.frames, cell.seeds)
    recordings = Recordings((cell.frames,))
    both = [_measured(areas, recordings) for areas in ([source] * cell.seeds, runs)]
    draws = Draws.of(both, Bootstrap(cell.replicates, seed=number))
    before, after = (Spread.of(one, draws) for one in both)
    ends = {"miou": _ends(after.mean()), "gain": _ends((after - before).mean())}
    ends |= old_intervals(source, runs, cell.replicates, generator)
    truths = {"miou": cell.truth[1], "gain": cell.truth[1] - cell.truth[0]}
    one, other = map(mean_iou_by_set, cell.world.rivals(generator, cell.frames))
    p_values = [lower_p(one - other, known) for known in (recordings, Recordings((1,) * cell.frames))]
    return Outcome(
        {name: low <= truths[name.removesuffix("_old")] <= high for name, (low, high) in ends.items()},
        {name: 50 * (high - low) for name, (low, high) in ends.items()},
        draws.lengths[recordings],
        (p_values[0] < LEVEL, p_values[1] < LEVEL),
    )


def _measured(several: Sequence[Areas], recordings: Recordings) -> Measured:
    values = np.array([[mean_iou(areas.sum(axis=0))] for areas in several])
    return Measured(values, [[Scored(areas, recordings)] for areas in several])


def _ends(estimate: Estimate) -> Ends:
    return estimate.low, estimate.high


def old_intervals(
    source: Areas, runs: Sequence[Areas], replicates: int, generator: np.random.Generator
) -> dict[str, Ends]:
    """Returns intervals of a bootstrap that draws independent frames and seeds with replacement."""
    frames, seeds = len(source), len(runs)
    counts = generator.multinomial(frames, np.full(frames, 1 / frames), replicates).astype(float)
    weights = generator.multinomial(seeds, np.full(seeds, 1 / seeds), replicates) / seeds
    drawn: Floats = (weights * np.stack([resampled_miou(counts, areas) for areas in runs], axis=1)).sum(axis=1)
    tails = (0.025, 0.975)
    gain = drawn - resampled_miou(counts, source)
    return {
        name: (float(low), float(high))
        for name, (low, high) in (("miou_old", np.quantile(drawn, tails)), ("gain_old", np.quantile(gain, tails)))
    }


def _table(options: argparse.Namespace, found: Sequence[tuple[Cell, Sequence[Outcome]]]) -> Table:
    title = (
        f"intervals of 95 %: share that holds the truth, in percent (half length in points); {options.drives} drives"
    )
    table = Table(title=f"{title} of {options.frames} frames, {options.process}, seed {options.seed}")
    for column in ("r", "seeds", "block", "mIoU", "before", "gain", "before", "stopped", "before"):
        table.add_column(column, justify="right")
    for cell, results in found:
        table.add_row(*_cells(cell, results))
    return table


def _cells(cell: Cell, results: Sequence[Outcome]) -> Iterator[str]:
    yield f"{cell.world.correlation:g}"
    yield str(cell.seeds)
    yield f"{np.median([one.length for one in results]):g}"
    for name in ("miou", "miou_old", "gain", "gain_old"):
        held = np.mean([one.holds[name] for one in results])
        yield f"{100 * held:.1f} ({np.mean([one.widths[name] for one in results]):.2f})"
    for place in range(2):
        yield f"{100 * np.mean([one.stops[place] for one in results]):.1f}"
