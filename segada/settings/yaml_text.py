"""Parsing of YAML text into values and their lines, within limits that are checked before anything is built."""

import re
from collections.abc import Iterator
from contextlib import closing

import yaml

from segada.errors import InputError
from segada.settings.inputs import is_control
from segada.settings.limits import DEPTH, KEY, NUMBER, TEXT, VALUES, WHOLE
from segada.settings.nested import Parts, Value
from segada.settings.validation_errors import shown

TAG = "tag:yaml.org,2002:"
_WORDS = ("on", "off", "yes", "no")
"""Words that are strings as keys, as in YAML 1.2; as values they are booleans, as in YAML 1.1."""
_NUMBERS = {f"{TAG}int": "whole number", f"{TAG}float": "number"}
_SCALARS = {f"{TAG}str": "text", f"{TAG}bool": "truth value", f"{TAG}null": "null", **_NUMBERS}


def parsed(text: str, name: str) -> tuple[Value, dict[Parts, int]]:
    """Parses YAML into a value and the line of every path in it.

    Args:
        text: YAML.
        name: Name of the text in errors.

    Raises:
        InputError: The text is not YAML, or beyond a limit.
    """
    try:
        with closing(_Loader(text)) as loader:
            root = loader.get_single_node()
            reader = _Reader(name, loader)
            return reader.value(root, ()) if root is not None else None, reader.lines
    except yaml.MarkedYAMLError as failure:
        line = failure.problem_mark.line + 1 if failure.problem_mark else 1
        raise InputError(f"{name}:{line}: not YAML: {failure.problem}") from None
    except _BeyondLimit as failure:
        raise InputError(f"{name}:{failure.line}: {failure}") from None
    except yaml.YAMLError as failure:
        raise InputError(f"{name}:1: not YAML: {' '.join(str(failure).split())}") from None


class _BeyondLimit(Exception):
    """A limit that is exceeded, and the line where this happens."""

    def __init__(self, problem: str, mark: yaml.Mark) -> None:
        super().__init__(problem)
        self.line = mark.line + 1


class _Loader(yaml.SafeLoader):
    """SafeLoader that reads numbers as in YAML 1.2, leaves dates as strings, and stops at a limit."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._nodes = 0
        self._merged = 0

    def close(self) -> None:
        self.dispose()

    def scan_flow_scalar_non_spaces(self, double: bool, start_mark: yaml.Mark) -> list[str]:
        try:
            return super().scan_flow_scalar_non_spaces(double, start_mark)
        except (ValueError, OverflowError):
            raise _BeyondLimit("a text in quotes has an escape for a character that there is not", start_mark) from None

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._nodes += 1
        mark: yaml.Mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        # Keys are nodes, too.
        if self._nodes > 2 * VALUES + 1:
            raise _too_many(mark)
        if self._depth > DEPTH:
            raise _too_deep(mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        # Merged mappings pass through here one by one, before they are combined.
        self._merged += len(node.value)
        if self._merged > 2 * VALUES:
            raise _too_many(node.start_mark)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != f"{TAG}timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# No leading zeros: a recording's name such as 0016E5 stays a string, as in safe_load.
_Loader.add_implicit_resolver(
    f"{TAG}float", re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]*)?[eE][-+]?[0-9]+"), list("-+0123456789")
)


class _Reader:
    """Turns YAML nodes into values and records the line of each."""

    def __init__(self, file: str, loader: _Loader) -> None:
        self.lines: dict[Parts, int] = {}
        self._file = file
        self._loader = loader
        self._open: list[yaml.Node] = []
        self._values = 0

    def value(self, node: yaml.Node, path: Parts) -> Value:
        self.lines.setdefault(path, node.start_mark.line + 1)
        self._values += 1
        if self._values > VALUES:
            raise _too_many(node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if node.tag not in (f"{TAG}map", f"{TAG}seq"):
            raise self._error(node, path, f"the tag {node.tag} is not for settings")
        if any(node is outer for outer in self._open):
            raise self._error(node, path, "the alias contains itself")
        if len(self._open) >= DEPTH:
            raise _too_deep(node.start_mark)
        self._open.append(node)
        value: Value
        if isinstance(node, yaml.MappingNode):
            value = dict(self._items(node, path))
        else:
            value = [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        self._open.pop()
        return value

    def _items(self, node: yaml.MappingNode, path: Parts) -> Iterator[tuple[str, Value]]:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._error(key, path, "a key must be text, not a list or mapping; write it in quotes")
            if key.tag == f"{TAG}merge":
                continue
            if key.value in seen:
                raise self._error(key, (*path, key.value), f"stands already on line {seen[key.value] + 1}")
            seen[key.value] = key.start_mark.line
        self._loader.flatten_mapping(node)
        for key, inner in node.value:
            self._check_key(key, path)
            self.lines[(*path, key.value)] = key.start_mark.line + 1
            yield key.value, self.value(inner, (*path, key.value))

    def _check_key(self, key: yaml.Node, path: Parts) -> None:
        if not isinstance(key, yaml.ScalarNode) or (key.tag != f"{TAG}str" and key.value.lower() not in _WORDS):
            raise self._error(key, (*path, str(key.value)[:KEY]), "a key must be text; write it in quotes")
        if len(key.value) > KEY:
            raise self._error(key, (*path, f"{key.value[:20]}..."), f"a key has at most {KEY} characters")
        if not key.value.isprintable():
            problem = f"the key {shown(key.value)} has a character that cannot be shown; leave it out"
            raise self._error(key, path, problem)

    def _scalar(self, node: yaml.ScalarNode, path: Parts) -> Value:
        if node.tag not in _SCALARS:
            raise self._error(node, path, f"the tag {node.tag} is not for settings")
        if len(node.value) > (NUMBER if node.tag in _NUMBERS else TEXT):
            what, most = ("number", NUMBER) if node.tag in _NUMBERS else ("text", TEXT)
            raise self._error(node, path, f"a {what} has at most {most:,} characters, but this has {len(node.value):,}")
        if any(map(is_control, node.value)):
            raise self._error(node, path, f"{shown(node.value)} has a control character; leave it out")
        return self._converted(node, path)

    def _converted(self, node: yaml.ScalarNode, path: Parts) -> Value:
        try:
            value = self._loader.construct_object(node)
        # For a tag that does not fit the text, as in `!!int abc`, and for 0b_, which YAML reads as a number.
        except (ValueError, LookupError):
            problem = f"{shown(node.value)} is no {_SCALARS[node.tag]}; leave the tag out"
            raise self._error(node, path, problem) from None
        if isinstance(value, int) and abs(value) > WHOLE:
            raise self._error(node, path, f"a whole number is between -{WHOLE:.0e} and {WHOLE:.0e}, not {value}")
        assert value is None or isinstance(value, str | int | float)
        return value

    def _error(self, node: yaml.Node, path: Parts, problem: str) -> InputError:
        name = ".".join(str(part) for part in path)
        return InputError(f"{self._file}:{node.start_mark.line + 1}: {f'{name}: ' if name else ''}{problem}")


def _too_many(mark: yaml.Mark) -> _BeyondLimit:
    return _BeyondLimit(f"the file has more than {VALUES:,} values, once aliases are written out; leave some out", mark)


def _too_deep(mark: yaml.Mark) -> _BeyondLimit:
    return _BeyondLimit(f"more than {DEPTH} mappings and lists are inside each other; reduce the nesting", mark)
