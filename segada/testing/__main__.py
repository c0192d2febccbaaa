"""Checks a part of yours against the contract of its role: `python -m segada.testing my_lab.methods:Mine`."""

import sys
from collections.abc import Sequence

from segada.cli.exit_codes import Parser
from segada.settings.roles import ROLES, SEARCH
from segada.testing.command import checking_parser, print_findings


def parser() -> Parser:
    """Returns the options of the command."""
    return checking_parser(
        "segada.testing",
        "Checks a part of yours against the contract of its role and prints what holds and what does not.",
        "./my_method.py:Mine --set alpha=0.3",
        [key for key in ROLES if key not in SEARCH],
        "a setting of the part; for a data set or a network also classes=SET, and for a data set root=FOLDER",
    )


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code, as `print_findings` does.

    Args:
        words: Words of the command line; None takes those of `sys.argv`.
    """
    return print_findings(parser().parse_args(words), "segada.testing.suites")


if __name__ == "__main__":
    sys.exit(main())
