"""Trains a source model: `python -m segada.pretrain [SETTINGS.yaml]`."""

import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Final

from segada.cli.exit_codes import Parser, command_parser, exit_code
from segada.cli.options import add_run_options

DEFAULT: Final = "pretrain_streets.yaml"
"""Recipe of the shipped checkpoint, taken where no settings are named."""


def parser() -> Parser:
    """Returns the options of the command."""
    options = command_parser(
        "segada.pretrain",
        "Trains a source model: the supervised method over a stream of one domain.",
        "pretrain_streets --set method.optimizer.lr=1e-4 --out runs/source",
    )
    names = ", ".join(recipe.stem for recipe in recipes())
    add_run_options(
        options,
        f"settings of the run (YAML), or the name of a shipped recipe: {names}; default: {names.partition(',')[0]}",
        "runs/pretrain, and -debug with --debug",
    )
    options.add_argument(
        "--no-validate",
        action="store_true",
        help="score the held-out frames after the last visit alone; no best.safetensors is chosen",
    )
    options.add_argument("--half", type=Path, metavar="FILE", help="also write the weights here, in half precision")
    return options


def recipes() -> list[Path]:
    """Source trainings that come with the package, that of the shipped checkpoint first."""
    folder = resources.files("segada") / "recipes"
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.startswith("pretrain_"))
    return [Path(str(folder / name)) for name in sorted(found, key=lambda name: name != DEFAULT)]


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code.

    Args:
        words: Words of the command line; None takes those of `sys.argv`.
    """
    arguments = parser().parse_args(words)
    # Imported after --help, and before exit_code: a signal during the seconds of import ends the process in one line.
    from segada.cli.console import terminal
    from segada.cli.run_request import chosen
    from segada.cli.signals import stopping
    from segada.engine.pretraining import check_half, halve, pretrain
    from segada.engine.session import print_tags

    def command() -> None:
        folder = Path("runs") / f"pretrain{'-debug' if arguments.debug else ''}"
        wanted = chosen(arguments, lambda *_: folder, recipes())
        if arguments.half is not None:
            check_half(arguments.half)
        console = terminal()
        with stopping() as asked_to_stop:
            weights = pretrain(
                wanted.settings, wanted.folder, console, asked_to_stop, wanted.tags, not arguments.no_validate
            )
        print_tags(wanted.folder, console)
        console.print(f"last weights in {weights}")
        if arguments.half is not None:
            halve(wanted.settings, weights, arguments.half)
            console.print(f"in half precision in {arguments.half}")

    return exit_code(command)


if __name__ == "__main__":
    sys.exit(main())
