"""Which paths a settings class has, and what may stand at each: read from the types themselves."""

import difflib
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Union, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.fields import FieldInfo

from segada.settings.nested import Tree, at_path


@dataclass(frozen=True)
class Slot:
    """One place that a path leads to.

    A path leads to several places where a mapping has several kinds (`method.optimizer` exists for more than one
    method); `given` says under which kind this one exists, by the path of the deciding name: `{"method.name": "dacs"}`.
    """

    path: str
    annotation: object
    given: Mapping[str, str] = field(default_factory=dict)

    def is_group(self) -> bool:
        """Whether further settings stand below this place, so that it is not one setting itself."""
        return any(_is_model(kind.annotation) or get_origin(kind.annotation) is dict for kind in _kinds(self))

    def is_list(self) -> bool:
        """Whether a list may stand here and text may not."""
        origins = [get_origin(kind.annotation) for kind in _kinds(self)]
        return any(origin in (tuple, list) for origin in origins) and all(
            kind.annotation is not str for kind in _kinds(self)
        )

    @property
    def description(self) -> str:
        """The setting's sentence; empty without one."""
        _, notes = _unwrapped(self.annotation)
        return next((note.description for note in notes if isinstance(note, FieldInfo) and note.description), "")

    def check(self, value: object) -> None:
        """Raises pydantic's ValidationError if the value may not stand here."""
        self._adapter.validate_python(value)

    @cached_property
    def _adapter(self) -> TypeAdapter[object]:
        kind = cast("type[object]", self.annotation)
        return TypeAdapter(kind, config=ConfigDict(strict=True, allow_inf_nan=False))


def slots(model: type[BaseModel], parts: Sequence[str | int]) -> list[Slot]:
    """Every place that the path leads to in settings of class `model`; none if there is no such path."""
    places = [Slot("", model)]
    for part in parts:
        places = [inner for place in places for kind in _kinds(place) for inner in _inside(kind, part)]
    return places


def names_below(model: type[BaseModel], parts: Sequence[str | int], tree: Tree) -> list[str]:
    """Names of the settings directly below a path, of every kind that can stand there given the values in `tree`."""
    found = [
        name
        for place in slots(model, parts)
        for kind in _kinds(place)
        if _is_model(kind.annotation) and _possible(kind, tree)
        for name in _fields(kind.annotation)
    ]
    return list(dict.fromkeys(found))


def all_paths(model: type[BaseModel]) -> list[str]:
    """Every path to a single setting, contents of free mappings (`data.domains`) excluded."""
    return list(dict.fromkeys(_leaves(Slot("", model))))


def nearest(name: str, valid: Iterable[str]) -> str:
    """A clause that helps whoever wrote `name`: the nearest valid one, or all of them where none is near."""
    choices = [str(choice) for choice in valid]
    namesakes = [choice for choice in choices if choice.rpartition(".")[2] == name.rpartition(".")[2]]
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.6) or namesakes[:1]
    if "." not in name:
        # A last name alone: paths that merely look like it are not what was meant.
        close = namesakes[:1] or close
    if close:
        return f"did you mean {close[0]}?"
    return f"choose from {', '.join(choices)}" if 0 < len(choices) <= 20 else "no valid one is near"


def _leaves(place: Slot) -> Iterator[str]:
    for kind in _kinds(place):
        if not _is_model(kind.annotation):
            if get_origin(kind.annotation) is not dict:
                yield kind.path
            continue
        for name in _fields(kind.annotation):
            for inner in _inside(kind, name):
                yield from _leaves(inner)


def _kinds(place: Slot) -> Iterator[Slot]:
    """The place itself, or one place for each kind of a union."""
    annotation, notes = _unwrapped(place.annotation)
    if get_origin(annotation) not in (Union, types.UnionType):
        yield Slot(place.path, annotation, place.given)
        return
    selector = next((note.discriminator for note in notes if isinstance(note, FieldInfo) and note.discriminator), None)
    for kind in get_args(annotation):
        if not isinstance(selector, str):
            yield from _kinds(Slot(place.path, kind, place.given))
            continue
        for tag in get_args(kind.model_fields[selector].annotation):
            yield Slot(place.path, kind, {**place.given, f"{place.path}.{selector}": tag})


def _inside(kind: Slot, part: str | int) -> Iterator[Slot]:
    """What stands one step below a place that is no union."""
    path = f"{kind.path}.{part}" if kind.path else str(part)
    origin, arguments = get_origin(kind.annotation), get_args(kind.annotation)
    if _is_model(kind.annotation):
        info = _fields(kind.annotation).get(str(part))
        if info is not None:
            annotation = Annotated[info.annotation, info]  # type: ignore[name-defined]
            yield Slot(path, annotation, kind.given)
    elif origin is dict:
        yield Slot(path, arguments[1], kind.given)
    elif origin in (tuple, list) and str(part).isdigit():
        index = 0 if Ellipsis in arguments or origin is list else int(part)
        if index < len(arguments):
            yield Slot(path, arguments[index], kind.given)


def _possible(kind: Slot, tree: Tree) -> bool:
    return all(at_path(tree, path.split(".")) in (None, tag) for path, tag in kind.given.items())


def _unwrapped(annotation: object) -> tuple[object, tuple[object, ...]]:
    if get_origin(annotation) is Annotated:
        inner, *notes = get_args(annotation)
        return inner, tuple(notes)
    return annotation, ()


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, BaseModel)


def _fields(annotation: object) -> dict[str, FieldInfo]:
    assert isinstance(annotation, type)
    assert issubclass(annotation, BaseModel)
    return annotation.model_fields
