"""What pydantic has against some values, in words for the person who wrote them."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from segada.settings.nested import Parts, Tree, Value, at_path
from segada.settings.schema import names_below, nearest, slots


@dataclass(frozen=True)
class SettingsProblem:
    """Something wrong at a path.

    Attributes:
        parts: The path; of a relation between settings, that of the smallest group that holds them.
        text: What is wrong, and what would be right.
        is_relation: Whether the text is a settings class's own, about several; it may begin with the path of one.
    """

    parts: Parts
    text: str
    is_relation: bool = False


def explain(model: type[BaseModel], tree: Tree, detail: ErrorDetails) -> SettingsProblem:
    """One of pydantic's errors, about the values `tree` for the class `model`."""
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
    return SettingsProblem(_path(tree, detail), str(detail["ctx"]["error"]), is_relation=True)


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
"""What YAML calls things that pydantic calls as Python does."""


def in_words(detail: ErrorDetails) -> str:
    """An error's own message as the end of a line that has named the value."""
    said = detail["msg"].removeprefix("Value error, ").removeprefix("Input ").removeprefix("Value ")
    said, _, _ = said.partition(" after validation")
    for python, plain in _PLAIN.items():
        said = said.replace(python, plain)
    return f"{said[0].lower()}{said[1:]}"


def shown(value: Value) -> str:
    """A value in a line of text."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _path(tree: Tree, detail: ErrorDetails) -> Parts:
    """Where in the values an error is: pydantic's location without the labels it adds for the kinds of a union."""
    parts: Parts = ()
    here: Value = tree
    for part in detail["loc"]:
        inside = at_path(here, (part,))
        if inside is not None or (isinstance(here, dict) and part in here):
            parts, here = (*parts, part), inside
    return parts
