"""Translation of pydantic's validation errors into messages for the author of a settings file."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from segada.errors import InputError
from segada.settings.nested import Parts, Tree, Value, at_path
from segada.settings.schema import names_below, nearest, slots


@dataclass(frozen=True)
class SettingsProblem:
    """A problem with the value at a path.

    Attributes:
        parts: Path of the value; for a relation between settings, that of the smallest group that holds them.
        text: The problem and its cure.
        is_relation: True if the text comes from a validator of a settings class, about several values; it may begin
            with the path of one of them.
    """

    parts: Parts
    text: str
    is_relation: bool = False


def explain(model: type[BaseModel], tree: Tree, detail: ErrorDetails) -> SettingsProblem:
    """Translates one of pydantic's errors about the values `tree` for the class `model`."""
    return _EXPLANATIONS.get(detail["type"], _wrong_value)(model, tree, detail)


def _unknown_key(model: type[BaseModel], tree: Tree, detail: ErrorDetails) -> SettingsProblem:
    parts = _path(tree, detail)
    kinds = dict.fromkeys((path, kind) for place in slots(model, parts) for path, kind in place.given.items())
    if kinds:
        names = " or ".join(kind for _, kind in kinds)
        return SettingsProblem(parts, f"there is no such key; it goes with {next(iter(kinds))[0]} {names}")
    hint = nearest(str(parts[-1]), names_below(model, parts[:-1], tree))
    return SettingsProblem(parts, f"there is no such key; {hint}")


def _missing_key(model: type[BaseModel], tree: Tree, detail: ErrorDetails) -> SettingsProblem:  # noqa: ARG001
    return SettingsProblem((*_path(tree, detail), detail["loc"][-1]), "this key is missing")


def _missing_kind(model: type[BaseModel], tree: Tree, detail: ErrorDetails) -> SettingsProblem:  # noqa: ARG001
    return SettingsProblem((*_path(tree, detail), detail["ctx"]["discriminator"].strip("'")), "this key is missing")


def _unknown_kind(model: type[BaseModel], tree: Tree, detail: ErrorDetails) -> SettingsProblem:  # noqa: ARG001
    context = detail["ctx"]
    valid = [name.strip(" '") for name in context["expected_tags"].split(",")]
    text = f"there is no {context['tag']!r}; {nearest(context['tag'], valid)}"
    return SettingsProblem((*_path(tree, detail), context["discriminator"].strip("'")), text)


def _broken_relation(model: type[BaseModel], tree: Tree, detail: ErrorDetails) -> SettingsProblem:  # noqa: ARG001
    error, parts = detail["ctx"]["error"], _path(tree, detail)
    if isinstance(error, InputError) and error.path:
        return SettingsProblem((*parts, *error.path), str(error))
    return SettingsProblem(parts, str(error), is_relation=True)


def _wrong_value(model: type[BaseModel], tree: Tree, detail: ErrorDetails) -> SettingsProblem:  # noqa: ARG001
    parts = _path(tree, detail)
    return SettingsProblem(parts, f"{in_words(detail)}, not {shown(at_path(tree, parts))}")


_EXPLANATIONS: dict[str, Callable[[type[BaseModel], Tree, ErrorDetails], SettingsProblem]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing_key,
    "union_tag_not_found": _missing_kind,
    "union_tag_invalid": _unknown_kind,
    "value_error": _broken_relation,
}


_PLAIN = {
    "valid dictionary or object to extract fields from": "mapping of keys to values",
    "valid dictionary": "mapping of keys to values",
    "a valid boolean": "true or false",
    "valid tuple": "list",
    "Dictionary should": "mapping should",
    "Tuple should": "list should",
}
"""Terms of YAML for terms of Python in pydantic's messages."""


def in_words(detail: ErrorDetails) -> str:
    """Returns an error's own message as the end of a line that has named the value."""
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ").removeprefix("Value ")
    message, _, _ = message.partition(" after validation")
    for python, plain in _PLAIN.items():
        message = message.replace(python, plain)
    return f"{message[0].lower()}{message[1:]}"


def shown(value: Value) -> str:
    """Returns a value as short text for a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _path(tree: Tree, detail: ErrorDetails) -> Parts:
    """Returns the path of an error in the values: pydantic's location without the labels that it adds for the kinds of
    a union."""
    parts: Parts = ()
    here: Value = tree
    for part in detail["loc"]:
        inside = at_path(here, (part,))
        if inside is not None or (isinstance(here, dict) and part in here):
            parts, here = (*parts, part), inside
    return parts
