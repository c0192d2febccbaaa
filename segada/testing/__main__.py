"""Checks a part of yours against the contract of its role: `python -m segada.testing my_lab.methods:Mine`."""

import sys
from collections.abc import Sequence

from segada.cli.exit_codes import FAILED, Parser, command_parser, exit_code
from segada.core.printing import say
from segada.settings.roles import ROLES, SEARCH


def parser() -> Parser:
    """Returns the options of the command."""
    options = command_parser(
        "segada.testing",
        "Checks a part of yours against the contract of its role and prints what holds and what does not.",
        "./my_method.py:Mine --set alpha=0.3",
    )
    options.add_argument("name", metavar="NAME", help="module:attribute, or file.py:attribute, as in settings")
    roles = [key for key in ROLES if key not in SEARCH]
    options.add_argument("--role", choices=roles, help="role, if it cannot be told from the code, as of a network")
    options.add_argument(
        "--set",
        dest="assignments",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="a setting of the part; for a data set or a network also classes=SET, and for a data set root=FOLDER",
    )
    return options


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0 all holds, 1 something does not, 2 wrong input.

    Args:
        words: Words of the command line; None takes those of `sys.argv`.
    """
    arguments = parser().parse_args(words)
    broken: list[str] = []

    def command() -> None:
        # Imported here, so that --help is quick.
        from segada.testing.suites import checked

        suite, found = checked(arguments.name, arguments.role, arguments.assignments)
        say(f"{arguments.name} as {suite}")
        for finding in found:
            say(f"  {'holds' if finding.problem is None else 'FAILS'}  {finding.sentence}")
            if finding.problem is not None:
                say(f"         {finding.problem}")
                broken.append(finding.sentence)
        say(f"{len(broken)} of the promises {'does' if len(broken) == 1 else 'do'} not hold" if broken else "all hold")

    ended = exit_code(command, kept="nothing was written")
    return FAILED if ended == 0 and broken else ended


if __name__ == "__main__":
    sys.exit(main())
