"""Text of other people inside HTML."""

import html

from segada.core.printing import escaped, escaped_lines


def escape(text: str) -> str:
    """Returns one line of text as HTML shows it: no tag, no entity, no character that a browser obeys."""
    return html.escape(escaped(text))


def escape_lines(text: str) -> str:
    """Returns the same of a text whose line ends are kept."""
    return html.escape(escaped_lines(text))
