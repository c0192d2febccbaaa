"""Measures the latency of a suggestion by the number of trials in the study.

The study has twelve parameters, eight numbers and four choices, and uses a journal file, as real studies do. A
suggestion comprises everything from asking for a trial to its last parameter; each parameter is written to disk.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import create_trial
from pydantic import TypeAdapter
from rich.table import Table

from benchmarks.search.options import count
from benchmarks.search.searches import STOCK, build
from hpo.samplers.registry import SAMPLERS
from hpo.search_space import Space
from hpo.search_space.kinds import Parameter
from segada.cli.console import terminal

DEFAULT_TRIALS = (100, 1000, 5000)

SPACE = Space(
    TypeAdapter(dict[str, Parameter]).validate_python(
        {f"x{index}": {"type": "float", "low": 0.0, "high": 1.0} for index in range(8)}
        | {f"c{index}": {"type": "choice", "choices": ["a", "b", "c"]} for index in range(4)}
    )
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    parser.add_argument(
        "--samplers", nargs="+", choices=[*SAMPLERS, *STOCK], default=["random", "genetic", "tpe"], metavar="NAME"
    )
    parser.add_argument("--trials", nargs="+", type=count(), default=DEFAULT_TRIALS, metavar="N")
    parser.add_argument(
        "--asks", type=count(), default=30, metavar="N", help="number of suggestions, of which the median is shown"
    )
    parser.add_argument("--objectives", type=count(), default=1, metavar="N")


def run(arguments: argparse.Namespace) -> None:
    """Prints medians in milliseconds, with the processor time among them."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    table = Table(title="ms a suggestion (of processor time)", title_justify="left", box=None, padding=(0, 3, 0, 0))
    for column in ("sampler", *(f"{trials} trials" for trials in arguments.trials)):
        table.add_column(column)
    for name in arguments.samplers:
        medians = [suggestion(name, trials, arguments.asks, arguments.objectives) for trials in arguments.trials]
        table.add_row(name, *(f"{wall:.1f} ({used:.1f})" for wall, used in medians))
    terminal().print(table)


def suggestion(sampler: str, trials: int, asks: int, objectives: int = 1) -> tuple[float, float]:
    """Returns the median wall time and processor time of a suggestion, in milliseconds.

    Args:
        sampler: name of the sampler.
        trials: number of trials in the study before the first suggestion.
        asks: number of suggestions.
        objectives: number of objectives.
    """
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        study = _study(Path(folder) / "study.journal", sampler, trials, objectives, generator)
        # The first suggestion is left out because it reads the journal.
        times = [_ask(study, objectives, generator) for _ in range(asks + 1)][1:]
    wall, used = zip(*times, strict=True)
    return 1e3 * statistics.median(wall), 1e3 * statistics.median(used)


def _study(journal: Path, sampler: str, trials: int, objectives: int, generator: np.random.Generator) -> optuna.Study:
    lock = JournalFileOpenLock(str(journal))
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(journal), lock)),
        sampler=build(sampler, SPACE, trials, 0),
        directions=["minimize"] * objectives,
    )
    distributions = SPACE.distributions()
    for _ in range(trials):
        params, values = SPACE.draw_raw(generator), generator.random(objectives).tolist()
        study.add_trial(create_trial(params=params, distributions=distributions, values=values))
    return study


def _ask(study: optuna.Study, objectives: int, generator: np.random.Generator) -> tuple[float, float]:
    began, used = time.perf_counter(), time.process_time()
    trial = study.ask()
    SPACE.suggest(trial)
    ended = time.perf_counter() - began, time.process_time() - used
    study.tell(trial, generator.random(objectives).tolist())
    return ended
