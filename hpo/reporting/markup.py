"""Escaping of foreign text for HTML."""

import html

from segada.core.printing import escaped, escaped_lines


def escape(text: str) -> str:
    """Returns one line of text as HTML without tags, entities, or control characters."""
    return html.escape(escaped(text))


def escape_lines(text: str) -> str:
    """Returns text as HTML as in `escape`, with its line ends."""
    return html.escape(escaped_lines(text))
