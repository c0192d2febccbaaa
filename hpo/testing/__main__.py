"""Checks a sampler, a pruner or a metric of yours against its contract: `python -m hpo.testing ./mine.py:sampler`."""

import sys
from collections.abc import Sequence

from segada.cli.exit_codes import Parser
from segada.settings.roles import SEARCH
from segada.testing.command import checking_parser, print_findings


def parser() -> Parser:
    """Returns the options of the command."""
    return checking_parser(
        "hpo.testing",
        "Checks a sampler, a pruner or a metric of yours and prints what holds and what does not.",
        "./mine.py:sampler --set startup=4",
        SEARCH,
        "a setting of the part",
    )


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code, as `print_findings` does.

    Args:
        words: words of the command line; None takes those of `sys.argv`.
    """
    return print_findings(parser().parse_args(words), "hpo.testing.suites")


if __name__ == "__main__":
    sys.exit(main())
