"""How fast the parts are: `python -m segada.bench streets` measures on one core of this machine."""

import argparse
import os
import platform
import statistics
import sys
from collections.abc import Callable
from functools import partial

import cv2
from rich.console import Console
from rich.table import Table

from segada.command import exit_code
from segada.data.streets import render_scenes
from segada.data.weather import parse_weather, render_weather
from segada.evaluation.bench_voting import bench_evaluation
from segada.models.bench_model import bench_model
from segada.rates import Rate, measure
from segada.settings.files import InputError

SIZES = ((64, 128), (96, 192), (128, 256))
WEATHERS = ("25mm", "200mm", "fog150m", "night")
FRAMES = 60
"""Frames per repeat."""


def bench_streets(repeats: int) -> list[Rate]:
    """Scenes per second, and frames per second in each kind of weather."""
    rates = []
    for size in SIZES:
        scenes = render_scenes(0, range(FRAMES), size)
        work = partial(render_scenes, 0, range(FRAMES), size)
        rates.append(Rate("scenes", size, measure(work, FRAMES, repeats)))
        for name in WEATHERS:
            render = partial(
                render_weather,
                scenes.images,
                scenes.depth,
                parse_weather(name),
                seed=0,
                numbers=range(len(scenes.images)),
            )
            rates.append(Rate(name, size, measure(render, FRAMES, repeats)))
    return rates


BENCHMARKS: dict[str, Callable[[int], list[Rate]]] = {
    "evaluation": bench_evaluation,
    "model": bench_model,
    "streets": bench_streets,
}
"""Every benchmark by its name on the command line: a function from the number of repeats to the rates."""


def print_rates(rates: list[Rate], console: Console) -> None:
    """A table of medians with the range over the repeats."""
    table = Table(
        caption=f"per second of processor time on one core; {platform.machine()}, load {os.getloadavg()[0]:.1f}"
    )
    for column in ("work", "size", "median /s", "slowest .. fastest"):
        table.add_column(column, justify="left" if column == "work" else "right")
    for rate in rates:
        spread = f"{_shown(min(rate.per_second))} .. {_shown(max(rate.per_second))}"
        height, width = rate.size
        table.add_row(rate.work, f"{height}x{width}", _shown(statistics.median(rate.per_second)), spread)
    console.print(table)


def _shown(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.2g}"


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m segada.bench", description=__doc__)
    parser.add_argument("benchmark", choices=sorted(BENCHMARKS))
    parser.add_argument("--repeats", type=int, default=5, help="default: 5")
    arguments = parser.parse_args()

    def command() -> None:
        if arguments.repeats < 1:
            raise InputError(f"--repeats must be at least 1, but is {arguments.repeats}")
        cv2.setNumThreads(1)
        print_rates(BENCHMARKS[arguments.benchmark](arguments.repeats), Console(highlight=False))

    return exit_code(command)


if __name__ == "__main__":
    sys.exit(main())
