"""Measures the parts of a step and counts the parameters of the network: `python -m segada.profile [SETTINGS.yaml]`."""

import sys
from collections.abc import Sequence
from typing import Final

from segada.cli.exit_codes import Parser, command_parser, exit_code
from segada.cli.options import add_settings_options

STEPS: Final = 20
"""Number of measured steps without `--steps`."""


def parser() -> Parser:
    """Returns the options of the command."""
    options = command_parser(
        "segada.profile",
        "Measures the parts of a step and counts the parameters of the network.",
        "settings.yaml --set runtime.threads=2 --steps 50",
    )
    options.add_argument(
        "settings", nargs="?", metavar="FILE", help="settings of the run (YAML); default: the default of every setting"
    )
    add_settings_options(options)
    options.add_argument("--steps", type=int, default=STEPS, metavar="N", help=f"measured steps; default: {STEPS}")
    return options


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code.

    Args:
        words: Words of the command line; None takes those of `sys.argv`.
    """
    arguments = parser().parse_args(words)
    # Imported after --help, and before exit_code: a signal during the seconds of import ends the process in one line.
    from segada.cli.console import terminal
    from segada.errors import InputError
    from segada.profiling.profile_tables import print_profile
    from segada.settings import RunSettings
    from segada.settings.assignments import parse_assignments
    from segada.settings.files import Document, read_yaml
    from segada.settings.limits import COUNT

    def command() -> None:
        if not 1 <= arguments.steps <= COUNT:
            raise InputError(f"--steps must be between 1 and {COUNT}, but is {arguments.steps}")
        document = Document("the defaults", {}) if arguments.settings is None else read_yaml(arguments.settings)
        document = document.with_overrides(parse_assignments(arguments.assignments))
        print_profile(document.build(RunSettings, document.tree), arguments.steps, terminal())

    return exit_code(command)


if __name__ == "__main__":
    sys.exit(main())
