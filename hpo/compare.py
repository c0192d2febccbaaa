"""Methods searched alike and put beside each other: `python -m hpo.compare compare_methods`."""

import sys
from collections.abc import Sequence

from hpo.cli.options import add_address, add_begin, add_out, add_search_options, add_storage, command_parser
from segada.cli.exit_codes import Parser


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: as of `hpo.run`, and 1 if a method came to no result."""
    arguments = parser().parse_args(words)
    from hpo.comparison.comparison import compare_command  # after the options, so that --help is quick

    return compare_command(arguments)


def parser() -> Parser:
    """Returns the parser of the command."""
    parser = command_parser(
        "hpo.compare",
        "Searches methods alike and compares their best configurations. The same command continues a stopped one.",
        "compare_methods --trials 12 --out runs/methods",
    )
    parser.add_argument(
        "studies", nargs="+", metavar="STUDY", help="study files, names of shipped ones, or folders (compare_methods)"
    )
    add_out(parser)
    add_search_options(parser)
    add_storage(parser)
    add_begin(parser)
    add_address(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
