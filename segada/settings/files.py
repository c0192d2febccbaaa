"""Strict reading of YAML settings files; every error names the file, the line, the path and the cure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from segada.errors import InputError
from segada.settings.inputs import read_text
from segada.settings.named_kinds import absolute_names
from segada.settings.nested import Parts, Tree, Value, has_path, merged, nested
from segada.settings.presets import spelled_out
from segada.settings.run import RunSettings
from segada.settings.validation_errors import SettingsProblem, explain, shown
from segada.settings.yaml_text import parsed

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Origin:
    """Original place of a value that a document shows elsewhere: in another file, or under another path."""

    file: str
    parts: Parts


@dataclass(frozen=True)
class Document:
    """A YAML file as nested values, with the line of every path in it."""

    file: str
    tree: Tree
    lines: Mapping[Parts, int] = field(default_factory=dict)
    given: Mapping[Parts, str] = field(default_factory=dict)
    """Paths set on the command line, with the option's name; they have no line in the file."""
    origins: Mapping[Parts, Origin] = field(default_factory=dict)
    """Original places of paths that are not in `file` under their present name; `lines` holds the line in the original
    place."""

    def with_overrides(self, overrides: Mapping[str, Value], option: str = "--set") -> "Document":
        """Returns the document with the values at these dotted paths replaced.

        A preset among them takes precedence over the file, and the other overrides take precedence over it.
        """
        given: dict[Parts, str] = {tuple(path.split(".")): option for path in overrides}
        tree = merged(self.tree, spelled_out(nested(overrides)))
        return replace(self, tree=tree, given={**self.given, **given})

    def over(self, base: "Document") -> "Document":
        """Returns this document merged over another one with `merged`; errors still name the file that holds the
        value."""
        tree = merged(base.tree, self.tree)
        inherited = {path: line for path, line in base.lines.items() if path not in self.lines and has_path(tree, path)}
        origins = {path: base.origins.get(path, Origin(base.file, path)) for path in inherited}
        return replace(self, tree=tree, lines={**inherited, **self.lines}, origins={**origins, **self.origins})

    def error(self, parts: Sequence[str | int], problem: str) -> InputError:
        """Returns an error at a path, formatted as `FILE:LINE: path: problem`."""
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
        """Builds settings of class `model` from values of this document.

        Args:
            model: Settings class.
            tree: Values, taken from the parts of the document that `above` names.
            above: Paths in the document where the values are (`run`); the first that has a value is used in errors.

        Raises:
            InputError: The values do not fit the class; the first problem is reported, an unknown key before all
                others, since it explains a missing one.
        """
        try:
            return model.model_validate(tree)
        except ValidationError as failure:
            details = sorted(failure.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
        problem = self._error_of(explain(model, tree, details[0]), above)
        raise InputError(f"{problem} (and {len(details) - 1} more)" if len(details) > 1 else str(problem))

    def _error_of(self, problem: SettingsProblem, above: Sequence[str]) -> InputError:
        first, _, rest = problem.text.partition(" ")
        if problem.is_relation and "." in first:
            path = tuple(first.split("."))
            whole = path if path[: len(problem.parts)] == problem.parts else (*problem.parts, *path)
            named = self._placed(whole, above)
            if named in self.lines or named in self.given:
                return self.error(named, rest)
        return self.error(self._placed(problem.parts, above), problem.text)

    def _placed(self, parts: Parts, above: Sequence[str]) -> Parts:
        places = [(*part.split("."), *parts) if part else parts for part in above]
        return next((place for place in places if place in self.lines or place in self.given), places[-1])


def read_yaml(file: str | Path) -> Document:
    """Reads a YAML file of nested mappings.

    Same as `yaml.safe_load`, except: `1e-6` is a number and the key `off` a string as in YAML 1.2, a duplicate key is
    an error, keys are strings, and dates stay strings.

    Raises:
        InputError: The file does not exist, or it is a pipe, not YAML, not a mapping, or beyond a limit of
            `settings.limits`.
    """
    name = str(file)
    tree, lines = parsed(read_text(Path(file)), name)
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise InputError(f"{name}:1: not a mapping of keys to values, but {shown(tree)}")
    whole = absolute_names(tree, Path(name).parent)
    assert isinstance(whole, dict)
    return Document(name, whole, lines)


def read_value(text: str, name: str) -> Value:
    """Reads one value in YAML, as strictly as a file.

    Args:
        text: YAML.
        name: Name of the text in errors.

    Raises:
        InputError: The text is not YAML, or beyond a limit of `settings.limits`.
    """
    return parsed(text, name)[0]


def with_options(document: Document, overrides: Mapping[str, Value], options: Mapping[str, str]) -> Document:
    """Returns a document with the values that options of a command line give.

    Args:
        document: the file.
        overrides: values by dotted path.
        options: command line option of each override, for error messages, by path; `--set` where it is absent.
    """
    # Presets are applied first, so that values given beside a preset replace it in any order.
    for path, value in sorted(overrides.items(), key=lambda item: item[0].split(".")[-1] != "preset"):
        document = document.with_overrides({path: value}, options.get(path, "--set"))
    return document


def load_run_settings(
    file: str | Path, overrides: Mapping[str, Value] | None = None, options: Mapping[str, str] | None = None
) -> RunSettings:
    """Reads the settings of a run from a YAML file; public as `segada.load_settings`.

    Args:
        file: Path of the file.
        overrides: Values by dotted path, in place of the file's.
        options: Command line option of each override, for error messages, by path; `--set` where it is absent.

    Raises:
        InputError: the file cannot be read, or a value is wrong; says the file, the line, the path and the cure.

    Example:
        >>> from pathlib import Path
        >>> import segada
        >>> _ = Path("settings.yaml").write_text("method: {name: dacs}")
        >>> settings = segada.load_settings("settings.yaml", {"method.pseudo_threshold": 0.9})
        >>> settings.method.pseudo_threshold
        0.9
    """
    document = with_options(read_yaml(file), overrides or {}, options or {})
    return document.build(RunSettings, document.tree)
