"""Adapts one model over one stream of domains and reports mIoU per domain: `python -m segada.adapt SETTINGS.yaml`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segada.cli.exit_codes import Parser, command_parser, exit_code
from segada.cli.options import add_run_options

if TYPE_CHECKING:
    from segada.settings import RunSettings


def parser() -> Parser:
    """Returns the options of the command."""
    options = command_parser(
        "segada.adapt",
        "Adapts one model over one stream of domains and reports mIoU per domain.",
        "settings.yaml --set method.pseudo_threshold=0.9 --out runs/a",
    )
    add_run_options(
        options,
        "settings of the run (YAML), for example best/settings.yaml of a study",
        "runs/, the name of the settings file, the hash of the settings, and -logged if anything is logged",
    )
    return options


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code.

    Args:
        words: Words of the command line; None takes those of `sys.argv`.
    """
    arguments = parser().parse_args(words)
    # Imported after --help, and before exit_code: a signal during the seconds of import ends the process in one line.
    from segada.artifacts.run_dir import RunDir
    from segada.cli.console import terminal
    from segada.cli.run_request import chosen
    from segada.cli.signals import stopping
    from segada.engine.session import adapt, print_report, print_tags

    def command() -> None:
        wanted = chosen(arguments, _default_folder)
        console = terminal()
        with stopping() as asked_to_stop:
            report = adapt(wanted.settings, wanted.folder, console, asked_to_stop, wanted.tags)
        print_report(report, console, holds_out=wanted.settings.evaluation.holds_out)
        print_tags(wanted.folder, console)
        panels = RunDir(wanted.folder).panels
        console.print(f"results in {wanted.folder}{f', panels in {panels}' if panels.is_dir() else ''}")

    return exit_code(command)


def _default_folder(settings: "RunSettings", file: Path) -> Path:
    suffix = "" if settings == settings.without_logging() else "-logged"
    return Path("runs") / f"{file.stem}-{settings.settings_hash()}{suffix}"


if __name__ == "__main__":
    sys.exit(main())
