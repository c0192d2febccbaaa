"""Text that other people wrote - names, paths, reasons - as it may be printed: it changes no line and no terminal."""

import sys
import unicodedata
from typing import Final

_OBEYED: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of what a terminal, a browser or an editor obeys and does not show: control and format
characters, such as those that reverse the direction of text, halves of pairs, and line ends."""
_JOINERS: Final = "\u200c\u200d"
"""Format characters that scripts and emoji are spelled with."""


def escaped(text: str) -> str:
    r"""Returns the text in one line, with everything that is not shown but obeyed as an escape: `\x1b`, `\n`, `\u202e`.

    Backslashes stay as they are, so that paths do.
    """
    if text.isprintable():
        return text
    return "".join(map(_escape, text))


def escaped_lines(text: str) -> str:
    """Returns the text with its lines kept and each of them escaped."""
    return "\n".join(map(escaped, text.split("\n")))


def say(line: str) -> None:
    """Prints a line, escaped."""
    print(escaped(line), flush=True)


def tell(line: str) -> None:
    """Prints a line on stderr, escaped."""
    print(escaped(line), file=sys.stderr, flush=True)


def _escape(character: str) -> str:
    if unicodedata.category(character) not in _OBEYED or character in _JOINERS:
        return character
    return character.encode("unicode_escape").decode("ascii")
