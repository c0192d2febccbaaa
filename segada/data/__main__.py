"""Data sets on disk: `python -m segada.data check FOLDER` shows the contents of a folder and how a run can use it.

`python -m segada.data cache` lists the cached decoded frames, and removes them.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from segada.cli.exit_codes import Parser, command_parser, exit_code
from segada.cli.options import add_set

LAYOUTS: Final = (
    "camvid",
    "cityscapes",
    "rainy_cityscapes",
    "foggy_cityscapes",
    "acdc",
    "shift",
    "gta5",
    "synthia",
    "coco",
    "folders",
)
"""Names of the layouts that `--dataset` takes, the keys of `segada.data.datasets.registry.LAYOUTS`."""


def parser() -> Parser:
    """Returns the options of the command and of its two sub-commands."""
    options = command_parser(
        "segada.data",
        "Checks the data of a run or a folder of a data set, or lists the cache of decoded frames.",
        "check settings.yaml",
    )
    commands = options.add_subparsers(required=True, dest="command", metavar="COMMAND")
    checking = commands.add_parser("check", help="check the data of a run, or show the data sets in a folder")
    checking.add_argument(
        "paths",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="settings of a run (YAML), whose domains are checked, or the folder of a data set, its parent, or a "
        "folder inside it",
    )
    add_set(checking, "set a setting of the file, in place of its value; repeatable")
    checking.add_argument("--all", action="store_true", help="read all files, not only eight per domain and split")
    checking.add_argument("--json", action="store_true", help="print one JSON document in place of tables")
    checking.add_argument("--dataset", metavar="NAME", help=f"look only for this layout: {', '.join(LAYOUTS)}")
    checking.add_argument("--labels", metavar="FOLDER", help="folder that contains gtFine or gt, if FOLDER does not")
    caching = commands.add_parser("cache", help="list or clear the cache of decoded frames")
    caching.add_argument(
        "folder", nargs="?", metavar="FOLDER", help="cache folder (default: the default of data.loading.cache)"
    )
    caching.add_argument("--clear", action="store_true", help="remove all entries that no process uses")
    return options


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0 no problem, 2 wrong settings, folder or files, 3 interrupted.

    Args:
        words: Words of the command line; None takes those of `sys.argv`.
    """
    arguments = parser().parse_args(words)
    # Imported after --help, and before exit_code: a signal during the seconds of import ends the process in one line.
    from segada.data.inspection.cache_command import cache
    from segada.data.inspection.check_command import check

    commands = {"check": check, "cache": cache}
    return exit_code(lambda: commands[arguments.command](arguments), "no data set was changed")


if __name__ == "__main__":
    sys.exit(main())
