"""Consoles of all commands, which print plain text without markup and control characters."""

import sys
from functools import cache
from typing import IO, Any

from rich.console import Console
from rich.text import Text

from segada.core.printing import escaped

PLAIN_WIDTH = 160
"""Columns of a table if standard output is not a terminal."""


class PlainConsole(Console):
    """Prints strings literally: `[/d]` or `:smile:` in a path is not markup, and control characters, line ends
    included, are escaped. Lines and styles are separate arguments.
    """

    def __init__(
        self, file: IO[str] | None = None, width: int | None = None, *, quiet: bool = False, soft_wrap: bool = False
    ) -> None:
        """Opens the console.

        Args:
            file: File to print to; None for standard output.
            width: Width in columns; None asks the terminal.
            quiet: True to print nothing.
            soft_wrap: True to leave long lines unwrapped.
        """
        super().__init__(
            file=file, width=width, quiet=quiet, soft_wrap=soft_wrap, markup=False, emoji=False, highlight=False
        )

    def render_str(self, text: str, **looks: Any) -> Text:
        """Converts a string, also of a cell or a title, to printable text."""
        return super().render_str(escaped(text), **{**looks, "markup": False, "emoji": False, "highlight": False})


@cache
def terminal() -> PlainConsole:
    """Returns the console of this process, shared with its progress bars."""
    return PlainConsole()


def wide_terminal() -> PlainConsole:
    """Returns a console with wide tables if standard output is not a terminal."""
    return PlainConsole(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
