"""Benchmarks of the engine: `python -m benchmarks.engine streets` and `model` measure speed on one core, `loading` on
disk and all cores, `statistics` gains by method and batch-norm statistics, `shares` what the statistics alone do on
photographs, `ceiling` what labels would give, and `agreement` how alike frames of a film are.
"""

import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
from rich.console import Console
from rich.table import Table

from benchmarks.engine.bench_agreement import measure_agreement, print_agreement
from benchmarks.engine.bench_ceiling import measure_ceiling, print_ceiling
from benchmarks.engine.bench_loading import Timed, time_loading, write_streets
from benchmarks.engine.bench_model import bench_model
from benchmarks.engine.bench_shares import measure_shares, print_shares
from benchmarks.engine.bench_statistics import measure_gains, print_gains
from benchmarks.engine.bench_voting import bench_evaluation
from benchmarks.engine.rates import Rate, measure
from segada.cli.console import terminal
from segada.cli.exit_codes import Parser, exit_code
from segada.data.cache.decoding import count_workers
from segada.data.synthetic.streets import render_scenes
from segada.data.weather.weather import parse_weather, render_weather
from segada.errors import InputError
from segada.settings.data import DataSettings
from segada.settings.files import load_run_settings

SIZES = ((64, 128), (96, 192), (128, 256))
WEATHERS = ("25mm", "200mm", "fog150m", "night")
FRAMES = 60
"""Number of frames per repeat."""


def bench_streets(repeats: int) -> list[Rate]:
    """Measures rendered scenes per second, and frames per second in each kind of weather."""
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
"""Benchmarks of computation by their names on the command line: functions from the number of repeats to the rates."""
LOADING = "loading"
"""Name of the benchmark in `benchmarks.engine.bench_loading`."""
AGREEMENT = "agreement"
"""Name of the benchmark in `benchmarks.engine.bench_agreement`."""


def print_rates(rates: list[Rate], console: Console) -> None:
    """Prints a table of medians with the range over the repeats."""
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


def print_loading(what: str, timed: list[Timed], console: Console) -> None:
    """Prints a table of frames per second, and of speed relative to the first way: medians and, in brackets, the range
    over the repeats.
    """
    table = Table(
        title=what,
        caption=f"wall time; {count_workers(None)} CPUs of {platform.machine()}, load {os.getloadavg()[0]:.1f}",
    )
    for column in ("way", "ms", "frames/s", "times as fast"):
        table.add_column(column, justify="left" if column == "way" else "right", no_wrap=True)
    for one in timed:
        milliseconds = f"{1000 * statistics.median(one.seconds):.1f}"
        rates = [one.frames / seconds for seconds in one.seconds]
        ratios = [first / seconds for first, seconds in zip(timed[0].seconds, one.seconds, strict=True)]
        table.add_row(one.way, milliseconds, _with_range(rates, ".0f"), _with_range(ratios, ".1f"))
    console.print(table)


def _bench_loading(of: str | None, domain: str | None, repeats: int, console: Console) -> None:
    if of is None:
        with tempfile.TemporaryDirectory(prefix="segada-bench-") as folder:
            data = write_streets(Path(folder))
            for name in data.domains:
                console.print()
                print_loading(_described(name, data), time_loading(name, data, "source", repeats), console)
        return
    settings = load_run_settings(of)
    name = domain or settings.used_domains()[0]
    if name not in settings.data.domains:
        raise InputError(f"--domain {name}: {of} has only {', '.join(sorted(settings.data.domains))}")
    split = "source" if name == settings.stream.source else settings.stream.split
    print_loading(_described(name, settings.data), time_loading(name, settings.data, split, repeats), console)


def _bench_agreement(of: str | None, console: Console) -> None:
    if of is None:
        raise InputError("agreement needs --of, a file of settings with domains that are stored in files")
    print_agreement(measure_agreement(load_run_settings(of).data), console)


def _bench_statistics(out: Path, seeds: int, console: Console) -> None:
    print_gains(measure_gains(out, seeds), seeds, console)


def _bench_ceiling(out: Path, seeds: int, console: Console) -> None:
    print_ceiling(measure_ceiling(out, seeds), console)


def _bench_shares(out: Path, seeds: int, console: Console) -> None:
    print_shares(measure_shares(out, seeds), console)


STUDIES: dict[str, Callable[[Path, int, Console], None]] = {
    "ceiling": _bench_ceiling,
    "shares": _bench_shares,
    "statistics": _bench_statistics,
}
"""Benchmarks of gains by their names on the command line: functions of the folder of the runs, the number of seeds,
and the console."""


def _with_range(numbers: list[float], digits: str) -> str:
    return f"{statistics.median(numbers):{digits}} ({min(numbers):{digits}} .. {max(numbers):{digits}})"


def _described(name: str, data: DataSettings) -> str:
    return f"loading frames of {name} at {data.size[0]}x{data.size[1]}"


def main() -> int:
    """Runs the command line and returns the exit code."""
    parser = Parser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("benchmark", choices=sorted([*BENCHMARKS, *STUDIES, AGREEMENT, LOADING]))
    parser.add_argument("--repeats", type=int, default=5, help="default: 5")
    parser.add_argument(
        "--of",
        metavar="SETTINGS",
        help="loading: settings (YAML) of the run whose frames are loaded; default: generated frames; agreement: "
        "settings with the domains",
    )
    parser.add_argument("--domain", help="loading: domain of data.domains in SETTINGS; default: its stream.source")
    parser.add_argument("--seeds", type=int, default=5, help="statistics, shares, ceiling: number of seeds; default: 5")
    parser.add_argument(
        "--out",
        type=Path,
        help="statistics, shares, ceiling: folder of the runs, kept for a next call; default: runs/NAME",
    )
    arguments = parser.parse_args()

    def command() -> None:
        for option in ("repeats", "seeds"):
            if getattr(arguments, option) < 1:
                raise InputError(f"--{option} must be at least 1, but is {getattr(arguments, option)}")
        console = terminal()
        out = arguments.out or Path("runs", arguments.benchmark)
        if arguments.benchmark in STUDIES:
            STUDIES[arguments.benchmark](out, arguments.seeds, console)
            return
        if arguments.benchmark == AGREEMENT:
            _bench_agreement(arguments.of, console)
            return
        if arguments.benchmark == LOADING:
            _bench_loading(arguments.of, arguments.domain, arguments.repeats, console)
            return
        if arguments.of or arguments.domain:
            raise InputError("--of and --domain are for loading, --of for agreement; leave them out, or choose it")
        cv2.setNumThreads(1)
        print_rates(BENCHMARKS[arguments.benchmark](arguments.repeats), console)

    return exit_code(command)


if __name__ == "__main__":
    sys.exit(main())
