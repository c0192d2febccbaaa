"""Options and output of the commands that check parts of the user. Imports no torch."""

import argparse
import importlib
from collections.abc import Sequence

from segada.cli.exit_codes import FAILED, Parser, command_parser, exit_code
from segada.core.printing import say


def checking_parser(program: str, description: str, example: str, roles: Sequence[str], settings: str) -> Parser:
    """Returns the options of a command that checks a part.

    Args:
        program: Name of the command's module.
        description: What it checks.
        example: Words of an example.
        roles: Values of `--role`.
        settings: Help of `--set`.
    """
    options = command_parser(program, description, example)
    options.add_argument("name", metavar="NAME", help="module:attribute, or file.py:attribute, as in settings")
    options.add_argument("--role", choices=roles, help="role, if it cannot be told from the code")
    options.add_argument("--set", dest="assignments", metavar="KEY=VALUE", action="append", default=[], help=settings)
    return options


def print_findings(arguments: argparse.Namespace, suites: str) -> int:
    """Prints what holds and what does not, and returns the exit code: 0 all holds, 1 something does not, 2 wrong input.

    Args:
        arguments: Parsed options of `checking_parser`.
        suites: Module whose `checked` checks the part. It is imported here, so that --help is quick.
    """
    broken: list[str] = []

    def command() -> None:
        checked = importlib.import_module(suites).checked
        title, found = checked(arguments.name, arguments.role, arguments.assignments)
        say(f"{arguments.name} as {title}")
        for finding in found:
            say(f"  {'holds' if finding.problem is None else 'FAILS'}  {finding.sentence}")
            if finding.problem is not None:
                say(f"         {finding.problem}")
                broken.append(finding.sentence)
        say(f"{len(broken)} of the promises {'does' if len(broken) == 1 else 'do'} not hold" if broken else "all hold")

    ended = exit_code(command, kept="nothing was written")
    return FAILED if ended == 0 and broken else ended
