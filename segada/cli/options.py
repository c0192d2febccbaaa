"""Options that mean the same for every command, each added by one function. Imports nothing but argparse.

`segada.cli.run_request` reads those of the commands that run a model.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

DEBUG: Final[Mapping[str, int]] = {
    "data.splits.source": 24,
    "data.splits.adapt": 12,
    "data.splits.val": 4,
    "data.splits.test": 4,
    "stream.frames": 8,
    "stream.passes": 1,
    "stream.rounds": 1,
}
"""Settings of `--debug`: a few frames, none of them twice, and a step or two in each visit."""

LOAD_FROM: Final = "model.checkpoint"
DETERMINISTIC: Final = "runtime.deterministic"

SET_HELP: Final = "set a setting, in place of the file's value; repeatable; a list is written [a,b] or a,b"


def add_out(parser: argparse.ArgumentParser, default: str, what: str = "results") -> None:
    """Adds `--out`.

    Args:
        parser: Parser of the command.
        default: Folder without the option, as the help shows it.
        what: Content of the folder, in the words of the help.
    """
    parser.add_argument("--out", metavar="FOLDER", help=f"folder of the {what}; default: {default}")


def add_set(parser: argparse.ArgumentParser, help: str = SET_HELP) -> None:  # noqa: A002 - named as in argparse
    """Adds `--set PATH=VALUE`, whose values are collected in `assignments`."""
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="assignments", help=help)


def add_settings_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--set` and its other name in mmsegmentation, `--cfg-options`, which takes several assignments at once."""
    add_set(parser)
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action="extend",
        default=[],
        metavar="PATH=VALUE",
        dest="assignments",
        help="the same as --set for several settings, as in mmsegmentation",
    )


def add_run_options(parser: argparse.ArgumentParser, settings: str, out: str) -> None:
    """Adds the options of a command that runs a model.

    Args:
        parser: Parser of the command.
        settings: Help on the settings file, which may be left out where `chosen` has a default.
        out: Help on the default folder.
    """
    parser.add_argument("settings", nargs="?", metavar="FILE", help=settings)
    add_out(parser, out, "run")
    add_settings_options(parser)
    parser.add_argument("--seed", type=int, metavar="N", help="the same as --set seed=N")
    parser.add_argument(
        "--load-from",
        metavar="FILE",
        help=f"begin a new run from these weights: the same as --set {LOAD_FROM}=FILE",
    )
    parser.add_argument(
        "--resume-from",
        type=Path,
        metavar="FOLDER",
        help="continue the run in this folder, with its own settings, after its last complete visit",
    )
    parser.add_argument(
        "--auto-resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="continue the run if the folder holds it (default), or refuse such a folder",
    )
    parser.add_argument(
        "--tags",
        action="append",
        default=[],
        metavar="A,B",
        help="words to keep in tags.json of the run's folder",
    )
    parser.add_argument("--deterministic", action="store_true", help=f"the same as --set {DETERMINISTIC}=true")
    debug = ", ".join(f"{path}={value}" for path, value in DEBUG.items())
    parser.add_argument("--debug", action="store_true", help=f"run seconds on few frames: set {debug}")
