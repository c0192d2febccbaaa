"""Escapes foreign text - names, paths, reasons - for printing, so that it cannot control the terminal."""

import sys
import unicodedata
from typing import Final

from segada.core.output_pipe import drop_output

_OBEYED: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of characters that a terminal, a browser or an editor obeys instead of showing: control and format
characters, such as those that reverse the direction of text, surrogates, and line ends."""
_JOINERS: Final = "\u200c\u200d"
"""Format characters that the spelling of some scripts and emoji requires."""


def escaped(text: str) -> str:
    r"""Returns the text in one line, with control and format characters escaped: `\x1b`, `\n`, `\u202e`.

    Backslashes are kept, so that paths stay readable.
    """
    if text.isprintable():
        return text
    return "".join(map(_escape, text))


def escaped_lines(text: str) -> str:
    """Returns the text with its line breaks kept and each line escaped."""
    return "\n".join(map(escaped, text.split("\n")))


def say(line: str) -> None:
    """Prints a line, escaped; ends the process with code 1, as a console does, if the reader of a pipe has ended."""
    try:
        print(escaped(line), flush=True)
    except BrokenPipeError:
        drop_output()
        raise SystemExit(1) from None


def tell(line: str) -> None:
    """Prints a line on stderr, escaped."""
    print(escaped(line), file=sys.stderr, flush=True)


def _escape(character: str) -> str:
    if unicodedata.category(character) not in _OBEYED or character in _JOINERS:
        return character
    return character.encode("unicode_escape").decode("ascii")
