"""Prints the status of a study: `python -m hpo.status OUT`. Nothing is changed."""

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hpo.cli.options import command_parser
from segada.cli.exit_codes import Parser, exit_code
from segada.core.printing import say
from segada.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from hpo.monitoring.status import StudyStatus


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0 done, 2 wrong input, 3 stopped, 1 anything else."""
    arguments = parser().parse_args(words)
    return exit_code(lambda: _look(arguments))


def parser() -> Parser:
    """Returns the parser of the command."""
    parser = command_parser("hpo.status", "Shows how far a study is; changes nothing.", "runs/ga_dacs --watch 10")
    parser.add_argument(
        "place",
        metavar="OUT|URL",
        help="folder of a study's results, or the database of studies: sqlite:///FILE, postgresql://...",
    )
    parser.add_argument("--name", metavar="STUDY", help="which study of a database; without it, all are listed")
    parser.add_argument("--watch", type=float, metavar="SECONDS", help="look again and again, until the study is over")
    parser.add_argument("--json", action="store_true", help="for machines: a line of JSON per study and look")
    return parser


def _look(arguments: argparse.Namespace) -> None:
    # Imported here, so that --help is quick.
    import optuna

    from hpo.monitoring.locations import places
    from hpo.monitoring.status import status_of
    from segada.cli.console import terminal
    from segada.settings.named_kinds import without_code

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if arguments.watch is not None and not (math.isfinite(arguments.watch) and arguments.watch > 0):
        raise InputError(f"--watch must be a number of seconds above 0, but is {arguments.watch}")
    console = terminal()
    show = _shown_as(arguments, console)
    while True:
        with without_code():
            statuses = [status_of(place, time.time()) for place in places(arguments.place, arguments.name)]
        if arguments.watch is not None and console.is_terminal and not arguments.json:
            console.clear()
        for status in statuses:
            show(status)
        if arguments.watch is None or all(status.is_over for status in statuses):
            return
        sys.stdout.flush()
        try:
            time.sleep(arguments.watch)
        except KeyboardInterrupt:
            return


def _shown_as(arguments: argparse.Namespace, console: "Console") -> Callable[["StudyStatus"], None]:
    from hpo.monitoring.status_view import print_plain, print_table

    if arguments.json:
        return lambda status: print(status.model_dump_json())
    return (lambda status: print_table(status, console)) if console.is_terminal else (lambda one: print_plain(one, say))


if __name__ == "__main__":
    sys.exit(main())
