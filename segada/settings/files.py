"""YAML files that a person writes: read strictly, and every error says where it is and what would be right."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from segada.settings.misfits import Misfit, Parts, explain, shown
from segada.settings.presets import spelled_out
from segada.settings.run import RunSettings
from segada.settings.trees import Tree, Value, has_path, merged, nested

Model = TypeVar("Model", bound=BaseModel)


class InputError(ValueError):
    """What a person gave is wrong. The text is one line: where, what, and what would be right."""


@dataclass(frozen=True)
class Origin:
    """Where a value really stands that a document shows elsewhere: in another file, or under another path."""

    file: str
    parts: Parts


@dataclass(frozen=True)
class Document:
    """A YAML file as nested values, with the line of every path in it."""

    file: str
    tree: Tree
    lines: Mapping[Parts, int] = field(default_factory=dict)
    given: Mapping[Parts, str] = field(default_factory=dict)
    """Paths that the command line set, with the option's name; they stand on no line of the file."""
    origins: Mapping[Parts, Origin] = field(default_factory=dict)
    """Of the paths that do not stand in `file` as they are called here; their lines are those of the other place."""

    def with_overrides(self, overrides: Mapping[str, Value], option: str = "--set") -> "Document":
        """The document in which the values at the dotted paths are these, as if the file said so.

        A preset among them wins over the file, and loses against the other ones.
        """
        given: dict[Parts, str] = {tuple(path.split(".")): option for path in overrides}
        tree = merged(self.tree, spelled_out(nested(overrides)))
        return replace(self, tree=tree, given={**self.given, **given})

    def over(self, base: "Document") -> "Document":
        """This document on top of another one, as `merged` puts them; errors still name the file that says it."""
        tree = merged(base.tree, self.tree)
        inherited = {path: line for path, line in base.lines.items() if path not in self.lines and has_path(tree, path)}
        origins = {path: base.origins.get(path, Origin(base.file, path)) for path in inherited}
        return replace(self, tree=tree, lines={**inherited, **self.lines}, origins={**origins, **self.origins})

    def error(self, parts: Sequence[str | int], problem: str) -> InputError:
        """The error that something is wrong at a path: `FILE:LINE: path: problem`."""
        path = tuple(parts)
        known = next((path[:end] for end in range(len(path), -1, -1) if path[:end] in self.given), None)
        if known is not None:
            where = f"{self.file} ({self.given[known]})"
        else:
            nearby = next((path[:end] for end in range(len(path), 0, -1) if path[:end] in self.lines), ())
            origin = self.origins.get(nearby, Origin(self.file, nearby))
            where = f"{origin.file}:{self.lines[nearby] if nearby else 1}"
            path = (*origin.parts, *path[len(nearby) :])
        name = ".".join(str(part) for part in path)
        return InputError(f"{where}: {name}: {problem}" if name else f"{where}: {problem}")

    def build(self, model: type[Model], tree: Tree, above: Sequence[str] = ("",)) -> Model:
        """Settings of class `model` from values of this document.

        Args:
            model: the settings class.
            tree: the values, taken from the parts of the document that `above` names.
            above: where in the document the values stand (`run`); of several, the first that has a value wins.

        Raises:
            InputError: the values do not fit the class; the first misfit is reported.
        """
        try:
            return model.model_validate(tree)
        except ValidationError as failure:
            details = failure.errors(include_url=False)
        problem = self._error_of(explain(model, tree, details[0]), above)
        raise InputError(f"{problem} (and {len(details) - 1} more)" if len(details) > 1 else str(problem))

    def _error_of(self, misfit: Misfit, above: Sequence[str]) -> InputError:
        first, _, rest = misfit.text.partition(" ")
        if misfit.is_relation and "." in first:
            path = tuple(first.split("."))
            whole = path if path[: len(misfit.parts)] == misfit.parts else (*misfit.parts, *path)
            named = self._placed(whole, above)
            if named in self.lines or named in self.given:
                return self.error(named, rest)
        return self.error(self._placed(misfit.parts, above), misfit.text)

    def _placed(self, parts: Parts, above: Sequence[str]) -> Parts:
        places = [(*part.split("."), *parts) if part else parts for part in above]
        return next((place for place in places if place in self.lines or place in self.given), places[-1])


def read_yaml(file: str | Path) -> Document:
    """Reads a YAML file of nested mappings.

    As `yaml.safe_load`, except: `1e-6` is a number and the key `off` a word as in YAML 1.2, a key that stands twice is
    an error, keys are text, and dates stay text.

    Raises:
        InputError: there is no such file, or it is not YAML, or not a mapping.
    """
    name = str(file)
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        raise InputError(f"{name}: cannot be read: {failure}") from None
    tree, lines = _parsed(text, name)
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise InputError(f"{name}:1: not a mapping of keys to values, but {shown(tree)}")
    return Document(name, tree, lines)


def read_value(text: str, name: str) -> Value:
    """One value in YAML, read as strictly as a file.

    Args:
        text: YAML.
        name: What an error calls it.

    Raises:
        InputError: it is not YAML.
    """
    return _parsed(text, name)[0]


def _parsed(text: str, name: str) -> tuple[Value, dict[Parts, int]]:
    try:
        loader = _Loader(text)
    except yaml.YAMLError as failure:
        raise InputError(f"{name}:1: not YAML: {' '.join(str(failure).split())}") from None
    try:
        root = loader.get_single_node()
        reader = _Reader(name, loader)
        return reader.value(root, ()) if root is not None else None, reader.lines
    except yaml.MarkedYAMLError as failure:
        line = failure.problem_mark.line + 1 if failure.problem_mark else 1
        raise InputError(f"{name}:{line}: not YAML: {failure.problem}") from None
    except yaml.YAMLError as failure:
        raise InputError(f"{name}:1: not YAML: {' '.join(str(failure).split())}") from None
    finally:
        loader.dispose()


def load_run_settings(file: str | Path, overrides: Mapping[str, Value] | None = None) -> RunSettings:
    """Settings of one run from a YAML file, with the values at dotted paths replaced.

    Raises:
        InputError: with the file, the line, the path and the cure.
    """
    document = read_yaml(file).with_overrides(overrides or {})
    return document.build(RunSettings, document.tree)


_WORDS = ("on", "off", "yes", "no")
"""Text as keys, as in YAML 1.2; as values they stay the truth values that YAML 1.1 has made of them."""


class _Loader(yaml.SafeLoader):
    """SafeLoader that knows YAML 1.2's numbers and leaves dates alone."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
# No leading zeros: a recording's name such as 0016E5 stays text, as it is to safe_load.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]*)?[eE][-+]?[0-9]+"), list("-+0123456789")
)


class _Reader:
    """Turns YAML nodes into values and notes the line of each."""

    def __init__(self, file: str, loader: _Loader) -> None:
        self.lines: dict[Parts, int] = {}
        self._file = file
        self._loader = loader
        self._open: list[yaml.Node] = []

    def value(self, node: yaml.Node, path: Parts) -> Value:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if node.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            raise self._error(node, path, f"the tag {node.tag} is not for settings")
        if any(node is outer for outer in self._open):
            raise self._error(node, path, "the alias contains itself")
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
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.value in seen:
                raise self._error(key, (*path, key.value), f"stands already on line {seen[key.value] + 1}")
            seen[key.value] = key.start_mark.line
        self._loader.flatten_mapping(node)
        for key, inner in node.value:
            if key.tag != "tag:yaml.org,2002:str" and key.value.lower() not in _WORDS:
                raise self._error(key, (*path, str(key.value)), "a key must be text; write it in quotes")
            self.lines[(*path, key.value)] = key.start_mark.line + 1
            yield key.value, self.value(inner, (*path, key.value))

    def _scalar(self, node: yaml.ScalarNode, path: Parts) -> Value:
        value = self._loader.construct_object(node)
        if value is None or isinstance(value, str | int | float):
            return value
        raise self._error(node, path, f"the tag {node.tag} is not for settings")

    def _error(self, node: yaml.Node, path: Parts, problem: str) -> InputError:
        name = ".".join(str(part) for part in path)
        return InputError(f"{self._file}:{node.start_mark.line + 1}: {name}: {problem}")
