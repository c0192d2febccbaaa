"""The consoles of every command: what is printed is text, never markup or anything that a terminal obeys."""

import sys
from functools import cache
from typing import IO, Any

from rich.console import Console
from rich.text import Text

from segada.core.printing import escaped

PLAIN_WIDTH = 160
"""Columns of a table where there is no terminal to ask."""


class PlainConsole(Console):
    """Prints every string as it is written: `[/d]` or `:smile:` in a path is no markup, and control characters are
    escaped, line ends among them. Lines are separate arguments; styles are arguments too."""

    def __init__(
        self, file: IO[str] | None = None, width: int | None = None, *, quiet: bool = False, soft_wrap: bool = False
    ) -> None:
        """Opens it.

        Args:
            file: Where it prints; None for standard output.
            width: In columns; None asks the terminal.
            quiet: Whether it prints nothing.
            soft_wrap: Whether lines stay whole, however long they are.
        """
        super().__init__(
            file=file,
            width=width,
            quiet=quiet,
            soft_wrap=soft_wrap,
            markup=False,
            emoji=False,
            highlight=False,
            # A Jupyter kernel shows lines; it is no terminal, though it sets FORCE_COLOR.
            force_jupyter=False,
            force_terminal=False if "ipykernel" in sys.modules else None,
        )

    def render_str(self, text: str, **looks: Any) -> Text:
        """Turns a string, in a cell or a title too, into what is printed."""
        return super().render_str(escaped(text), **{**looks, "markup": False, "emoji": False, "highlight": False})


@cache
def terminal() -> PlainConsole:
    """The console of this process, which its progress bars share."""
    return PlainConsole()


def wide_terminal() -> PlainConsole:
    """One whose tables are wide where there is no terminal."""
    return PlainConsole(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
