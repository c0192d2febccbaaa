"""Settings of a program that is not ours: free-form, with a dotted path for each."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from segada.settings.nested import Tree, Value, nested

PLACEHOLDERS: Final = ("settings", "folder", "seed", "split", "visits", "resume")
"""Names that stand in braces in the words of an engine's command."""
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


def placeholders(word: str) -> list[str]:
    """Returns the names in braces in a word of a command."""
    return _PLACEHOLDER.findall(word)


def filled(word: str, values: Mapping[str, str]) -> str:
    """Returns a word with the values of its placeholders."""
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], word)


def with_values(tree: Mapping[str, Value], changes: Mapping[str, Value]) -> Tree:
    """Returns settings with changes, whose keys may be dotted paths at any depth; mappings are merged.

    A key `name` selects nothing, as it does in our own settings.
    """
    return _merged(tree, _nested(changes))


def leaves(tree: Mapping[str, Value], above: str = "") -> Iterator[tuple[str, Value]]:
    """Yields the path and the value of each setting; an empty mapping is a value."""
    for key, value in tree.items():
        path = f"{above}{key}"
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}.")
        else:
            yield path, value


def _merged(base: Mapping[str, Value], changes: Mapping[str, Value]) -> Tree:
    result = dict(base)
    for key, value in changes.items():
        old = result.get(key)
        result[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def _nested(changes: Mapping[str, Value]) -> Tree:
    return nested({path: _nested(value) if isinstance(value, dict) else value for path, value in changes.items()})
