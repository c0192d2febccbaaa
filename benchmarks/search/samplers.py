"""Compares samplers on problems with known optima.

Every sampler searches the same functions with the same seeds; each seed also selects another instance of the function.
The table shows the mean rank, the regret relative to random search, and the share of searches in which the first
sampler is ahead of the others, all with 95 % intervals over functions. Searches that DIR already contains are not
repeated.
"""

import argparse
import csv
import itertools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rich.progress import track
from rich.table import Table

from benchmarks.search.options import count, folder
from benchmarks.search.problems import ProblemKey
from benchmarks.search.scores import Estimate, Score, scores
from benchmarks.search.searches import FUNCTIONS, ONE_OBJECTIVE, STOCK, SUITES, SearchKey, losses
from hpo.samplers.registry import SAMPLERS
from segada.cli.console import terminal
from segada.cli.output_dir import check_own
from segada.errors import InputError

FIELDS = ("suite", "function", "dimension", "instance", "seed", "sampler", "budget", "loss")
DEFAULT_SUITES = ("bbob", "bbob-mixint", "bbob-biobj")
DEFAULT_SAMPLERS = ("genetic", "random", "optuna-tpe", "optuna-cmaes", "optuna-nsga2")
DEFAULT_BUDGETS = (50, 100, 200)
BASELINE = "random"
"""Reference sampler of the regret."""

Row = tuple[SearchKey, int, float]
"""A search, a number of trials, and the loss after them."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    parser.add_argument("--suites", nargs="+", choices=sorted(SUITES), default=DEFAULT_SUITES, metavar="SUITE")
    parser.add_argument(
        "--samplers",
        nargs="+",
        choices=[*SAMPLERS, *STOCK],
        default=DEFAULT_SAMPLERS,
        metavar="NAME",
        help="samplers of study files, or Optuna's own: optuna-tpe, optuna-cmaes, optuna-nsga2; the others are "
        "compared with the first",
    )
    parser.add_argument("--functions", type=numbers, metavar="1,5-8", help="functions of each suite (default: all)")
    parser.add_argument("--dimensions", type=numbers, default=[5], metavar="5,10")
    parser.add_argument("--seeds", type=count(), default=10, metavar="N")
    parser.add_argument("--budgets", type=numbers, default=list(DEFAULT_BUDGETS), metavar="50,100,200")
    parser.add_argument("--jobs", type=count(), default=1, metavar="N", help="processes")
    parser.add_argument("--out", type=folder, default=Path("runs/bench/samplers"), metavar="DIR")


def numbers(text: str) -> list[int]:
    """Parses `1,5-8` to a list of numbers.

    Raises:
        ValueError: if the text has another form.
    """
    ranges = [part.split("-") for part in text.split(",")]
    return sorted({number for ends in ranges for number in range(int(ends[0]), int(ends[-1]) + 1)})


def run(arguments: argparse.Namespace) -> None:
    """Runs searches, and prints and writes the results.

    Raises:
        InputError: if a package is missing, or an option names something that does not exist.
    """
    budgets = sorted(arguments.budgets)
    wanted = list(_searches(arguments))
    if not wanted:
        raise InputError(
            f"--functions {arguments.functions}: no suite of {', '.join(arguments.suites)} has such functions"
        )
    check_own(arguments.out, "searches of this benchmark", ["searches.csv"])
    arguments.out.mkdir(parents=True, exist_ok=True)
    log = arguments.out / "searches.csv"
    known = _read(log)
    missing = [key for key in wanted if any((key, budget) not in known for budget in budgets)]
    with log.open("a", newline="") as file, ProcessPoolExecutor(arguments.jobs) as pool:
        writer = csv.writer(file)
        results = pool.map(losses, missing, itertools.repeat(budgets))
        for key, found in zip(missing, track(results, "searching", len(missing), transient=True), strict=True):
            writer.writerows(_line((key, budget, loss)) for budget, loss in zip(budgets, found, strict=True))
            file.flush()
            known |= {(key, budget): loss for budget, loss in zip(budgets, found, strict=True)}
    tables = [
        _table(suite, budget, _scores(known, wanted, suite, budget), arguments.samplers[0])
        for suite in arguments.suites
        for budget in budgets
    ]
    for table in tables:
        terminal().print(table, "")
    _write(tables, arguments.out)


def _searches(arguments: argparse.Namespace) -> Iterator[SearchKey]:
    samplers = dict.fromkeys((*arguments.samplers, BASELINE))
    for suite, dimension in itertools.product(arguments.suites, arguments.dimensions):
        functions = range(1, FUNCTIONS[suite] + 1)
        for function, seed in itertools.product(functions, range(arguments.seeds)):
            if arguments.functions is None or function in arguments.functions:
                problem = ProblemKey(suite, function, dimension, 1 + seed)
                several = suite.endswith("-biobj")
                yield from (
                    SearchKey(problem, seed, name) for name in samplers if not (several and name in ONE_OBJECTIVE)
                )


def _read(log: Path) -> dict[tuple[SearchKey, int], float]:
    if not log.exists():
        log.write_text(",".join(FIELDS) + "\n")
    with log.open(newline="") as file:
        return {(key, budget): loss for key, budget, loss in map(_row, csv.DictReader(file))}


def _row(line: dict[str, str]) -> Row:
    problem = ProblemKey(line["suite"], int(line["function"]), int(line["dimension"]), int(line["instance"]))
    return SearchKey(problem, int(line["seed"]), line["sampler"]), int(line["budget"]), float(line["loss"])


def _line(row: Row) -> tuple[str | int | float, ...]:
    key, budget, loss = row
    problem = key.problem
    place = (problem.suite, problem.function, problem.dimension, problem.instance)
    return (*place, key.seed, key.sampler, budget, loss)


def _scores(
    known: dict[tuple[SearchKey, int], float], wanted: Iterable[SearchKey], suite: str, budget: int
) -> list[Score]:
    return scores({key: known[key, budget] for key in wanted if key.problem.suite == suite}, BASELINE)


def _table(suite: str, budget: int, found: Sequence[Score], first: str) -> Table:
    table = Table(title=f"{suite}, {budget} trials", title_justify="left", box=None, padding=(0, 3, 0, 0))
    for column in ("sampler", "mean rank", "regret (random: 1)", f"behind {first}"):
        table.add_column(column)
    ahead = {score.sampler: score.ahead for score in found}[first]
    for score in found:
        behind = _percent(ahead[score.sampler]) if score.sampler in ahead else ""
        table.add_row(score.sampler, _shown(score.rank), _shown(score.regret), behind)
    return table


def _shown(one: Estimate) -> str:
    return f"{one.mean:.2f} [{one.low:.2f}, {one.high:.2f}]"


def _percent(one: Estimate) -> str:
    return f"{100 * one.mean:.0f} % [{100 * one.low:.0f}, {100 * one.high:.0f}]"


def _write(tables: Sequence[Table], out: Path) -> None:
    pages, rows = [], []
    for table in tables:
        lines = [[str(column.header) for column in table.columns]]
        lines += [list(cells) for cells in zip(*(map(str, column.cells) for column in table.columns), strict=True)]
        shown = [f"| {' | '.join(line)} |" for line in lines]
        pages.append("\n".join([f"### {table.title}", "", shown[0], "|---" * len(lines[0]) + "|", *shown[1:], ""]))
        rows += [[str(table.title), *line] for line in lines[1:]]
    (out / "table.md").write_text("\n".join(pages))
    with (out / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["of", "sampler", "mean rank", "regret", "behind the first"], *rows])
