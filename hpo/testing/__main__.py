"""Checks a sampler, a pruner or a metric of yours against its contract: `python -m hpo.testing ./mine.py:sampler`."""

import sys
from collections.abc import Iterator, Sequence

from segada.cli.exit_codes import Parser
from segada.settings.roles import SEARCH
from segada.testing.command import checking_parser, print_findings
from segada.testing.findings import Finding


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
    arguments = parser().parse_args(words)

    def find() -> tuple[str, Iterator[Finding]]:
        # Imported here, so that --help is quick.
        from hpo.testing.suites import checked

        return checked(arguments.name, arguments.role, arguments.assignments)

    return print_findings(arguments, find)


if __name__ == "__main__":
    sys.exit(main())
