"""Describes a checkpoint, or writes it in another format: `python -m segada.convert INPUT [OUTPUT]`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from segada.cli.exit_codes import Parser, command_parser, exit_code

FORMATS: Final = ("safetensors", "hf")
"""Names of the formats that can be written, as in `segada.models.formats.writing.WRITERS`."""


def parser() -> Parser:
    """Returns the options of the command."""
    options = command_parser(
        "segada.convert",
        "Describes a checkpoint, or writes it in another format.",
        "daformer.pth weights.safetensors",
    )
    options.add_argument(
        "input", metavar="CHECKPOINT", help="file or folder of any known format, or name of a shipped checkpoint"
    )
    options.add_argument(
        "output",
        nargs="?",
        type=Path,
        metavar="OUTPUT",
        help="file or folder to write; without it the input is described",
    )
    options.add_argument("--to", choices=FORMATS, default=FORMATS[0], help=f"default: {FORMATS[0]}")
    options.add_argument("--copy", metavar="NAME", help="name of the network to take from a file that holds several")
    options.add_argument(
        "--leave-out", action="append", default=[], metavar="PART", help="part of the network, as head.light_exit"
    )
    return options


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code.

    Args:
        words: Words of the command line; None takes those of `sys.argv`.
    """
    arguments = parser().parse_args(words)
    # Imported after --help, and before exit_code: a signal during the seconds of import ends the process in one line.
    from segada.cli.console import PlainConsole
    from segada.errors import InputError
    from segada.models.formats.conversion import check_output, convert, describe, describe_all, without
    from segada.models.formats.opening import open_checkpoint
    from segada.models.formats.reading import interpret
    from segada.settings.checkpoint_path import find_checkpoint

    def command() -> None:
        console = PlainConsole(soft_wrap=True)
        try:
            path = find_checkpoint(arguments.input, "INPUT")
            if arguments.output is not None:
                check_output(arguments.output, arguments.to, path)
            opened = open_checkpoint(path)
            if arguments.output is None and arguments.copy is None:
                describe_all(opened, arguments.leave_out, console)
                return
            stored = without(interpret(opened, arguments.copy), arguments.leave_out)
            report = describe(stored, path, console)
            if arguments.output is not None:
                convert(stored, report, opened, arguments.output, arguments.to)
                console.print(f"written to {arguments.output}")
        except ValueError as error:
            raise InputError(str(error)) from error

    return exit_code(command, "nothing was written")


if __name__ == "__main__":
    sys.exit(main())
