"""Checks a sampler, a pruner or a metric of yours against its contract: `python -m hpo.testing ./mine.py:sampler`."""

import sys
from collections.abc import Sequence

from segada.cli.exit_codes import FAILED, Parser, command_parser, exit_code
from segada.core.printing import say
from segada.settings.roles import SEARCH


def parser() -> Parser:
    """Returns the options of the command."""
    options = command_parser(
        "hpo.testing",
        "Checks a sampler, a pruner or a metric of yours and prints what holds and what does not.",
        "./mine.py:sampler --set startup=4",
    )
    options.add_argument("name", metavar="NAME", help="module:attribute, or file.py:attribute, as in a study file")
    options.add_argument("--role", choices=SEARCH, help="role, if the arguments of the code do not tell it")
    options.add_argument(
        "--set", dest="assignments", metavar="KEY=VALUE", action="append", default=[], help="a setting of the part"
    )
    return options


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0 all holds, 1 something does not, 2 wrong input.

    Args:
        words: words of the command line; None takes those of `sys.argv`.
    """
    arguments = parser().parse_args(words)
    broken: list[str] = []

    def command() -> None:
        from hpo.testing.suites import checked

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


if __name__ == "__main__":
    sys.exit(main())
