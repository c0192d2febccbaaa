"""Data sets on disk: `python -m segada.data check FOLDER` shows the contents of a folder and how a run can use it.

`python -m segada.data cache` lists the cached decoded frames, and removes them.
"""

import argparse
import sys
from pathlib import Path

from segada.cli.console import wide_terminal
from segada.cli.exit_codes import Parser, exit_code
from segada.data.datasets.registry import LAYOUTS
from segada.data.inspection.cache_command import add_cache_options, cache
from segada.data.inspection.findings import print_findings, summary
from segada.data.inspection.inspection import inspect
from segada.data.inspection.recognition import nothing_known, recognized
from segada.data.inspection.suggestion import suggested
from segada.errors import InputError
from segada.settings.inputs import checked_path


def main() -> int:
    """Runs the command line. Returns the exit code: 0 no problem, 2 a problem with the folder or its files, 3
    interrupted."""
    arguments = _parser().parse_args()
    return exit_code(lambda: arguments.command(arguments), "no data set was changed")


def check(arguments: argparse.Namespace) -> None:
    """Prints the data sets in a folder, the problems of its files, and the settings that use it.

    Raises:
        InputError: The folder has no known layout, or files are missing or cannot be used.
    """
    console = wide_terminal()
    path = checked_path(arguments.path, "")
    data_sets = recognized(path, arguments.dataset, arguments.labels)
    if not data_sets:
        for line in nothing_known(path):
            console.print(line, soft_wrap=True)
        raise InputError(f"{path}: is no data set in a known layout; give patterns of its files with dataset: folders")
    found = [(data_set, inspect(data_set, everything=arguments.all)) for data_set in data_sets]
    for data_set, inspection in found:
        print_findings(data_set, inspection, console)
    console.print("", "# settings that use it: python -m segada.adapt FILE, or run: of a study", sep="\n")
    # Not with the console, which would wrap lines.
    print(suggested(found), end="")
    problems = summary([inspection for _, inspection in found])
    if problems:
        raise InputError(
            f"{path}: {problems}; they are listed above: copy them again, or remove them with their images or labels"
        )


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m segada.data", description=__doc__)
    commands = parser.add_subparsers(required=True)
    checking = commands.add_parser("check", help="show the data sets in a folder and the problems of their files")
    checking.add_argument("path", type=Path, help="folder of a data set, its parent, or a folder inside it")
    checking.add_argument("--all", action="store_true", help="read all files, not only eight per domain and split")
    checking.add_argument("--dataset", metavar="NAME", help=f"look only for this layout: {', '.join(LAYOUTS)}")
    checking.add_argument("--labels", metavar="FOLDER", help="folder that contains gtFine or gt, if PATH does not")
    checking.set_defaults(command=check)
    caching = commands.add_parser("cache", help="list or clear the cache of decoded frames")
    add_cache_options(caching)
    caching.set_defaults(command=cache)
    return parser


if __name__ == "__main__":
    sys.exit(main())
