"""Methods beside each other: studies searched alike (`python -m hpo.compare compare_methods`), or methods at fixed
settings without a search (`python -m hpo.compare compare_camvid`).
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from hpo.cli.options import CODES, add_address, add_begin, add_out, add_search_options, add_storage, command_parser
from segada.cli.exit_codes import Parser


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: as of `hpo.run`; 4 if all runs of a method are over and it has no
    result.
    """
    arguments = parser().parse_args(words)
    from hpo.comparison.comparison import compare_command  # after the options, so that --help is quick

    return compare_command(arguments)


def parser() -> Parser:
    """Returns the parser of the command."""
    parser = command_parser(
        "hpo.compare",
        "Compares methods: studies that are searched alike, or methods at fixed settings without a search. The same "
        "command continues a stopped one.",
        "compare_methods --trials 12 --out runs/methods",
        codes=CODES,
    )
    parser.add_argument(
        "studies",
        nargs="+",
        metavar="STUDY",
        help="study files, names of shipped ones, folders of them (compare_methods), or one file of methods "
        "(compare_camvid)",
    )
    add_out(parser)
    add_search_options(parser)
    searched = parser.add_argument_group("studies")
    add_storage(searched)
    add_begin(searched)
    add_address(searched)
    fixed = parser.add_argument_group("methods at fixed settings, which need no Ray")
    fixed.add_argument("--seeds", type=int, metavar="N", help="runs of each method (--set seeds=N)")
    fixed.add_argument("--jobs", type=int, metavar="N", help="runs at a time (default: 1, which measures speed best)")
    fixed.add_argument("--markdown", type=Path, metavar="FILE", help="also write the table here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
