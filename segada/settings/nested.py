"""Nested overrides as YAML gives them: mappings of names to values or further mappings."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

Value = JsonValue
Tree = dict[str, JsonValue]
Parts = tuple[str | int, ...]
"""A path: keys of mappings and indices of lists, from outside in."""

SELECTORS = ("name", "dataset")
"""Keys whose value decides which other keys a mapping may have."""


def merged(base: Mapping[str, Value], overrides: Mapping[str, Value]) -> Tree:
    """Returns a copy of `base` with `overrides` applied; mappings are merged, anything else is replaced.

    Overrides that select another kind (`adapter: {name: none}` over `adapter: {name: adaptformer, bottleneck: 8}`)
    replace the mapping, because the former kind's keys have no meaning for the new one.
    """
    result = dict(base)
    for key, value in overrides.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict) and not _selects_another(old, value):
            result[key] = merged(old, value)
        else:
            result[key] = value
    return result


def nested(values: Mapping[str, Value]) -> Tree:
    """Returns `{"a.b": 1, "a.c": 2}` as `{"a": {"b": 1, "c": 2}}`."""
    tree: Tree = {}
    for path, value in values.items():
        set_path(tree, path, value)
    return tree


def set_path(tree: Tree, path: str, value: Value) -> None:
    """Sets the value at a dotted path in place; creates mappings on the way, which replace values that are not
    mappings."""
    *sections, last = path.split(".")
    for section in sections:
        inside = tree.get(section)
        if not isinstance(inside, dict):
            inside = {}
            tree[section] = inside
        tree = inside
    tree[last] = value


def at_path(tree: Value, parts: Sequence[str | int]) -> Value:
    """Returns the value at a path, or None if there is none."""
    for part in parts:
        if isinstance(tree, dict) and isinstance(part, str):
            tree = tree.get(part)
        elif isinstance(tree, list) and isinstance(part, int) and part < len(tree):
            tree = tree[part]
        else:
            return None
    return tree


def has_path(tree: Value, parts: Sequence[str | int]) -> bool:
    """Returns True if a path leads to a value, null included."""
    if not parts:
        return True
    section, last = at_path(tree, parts[:-1]), parts[-1]
    if isinstance(section, list):
        return isinstance(last, int) and last < len(section)
    return isinstance(section, dict) and last in section


def _selects_another(old: Tree, new: Tree) -> bool:
    return any(key in new and key in old and new[key] != old[key] for key in SELECTORS)
