"""Paths of a settings class and the types allowed at each, read from the type annotations."""

import difflib
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Union, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.fields import FieldInfo

from segada.core.named_code import is_code
from segada.settings.named_kinds import CodeSettings, Kinds, UnreadCode, settings_class
from segada.settings.nested import Tree, at_path


@dataclass(frozen=True)
class Slot:
    """One place in a settings class that a path leads to.

    A path leads to several places where a section has several kinds (`method.optimizer` exists for more than one
    method); `given` maps the path of the deciding name to the kind that this place belongs to: `{"method.name":
    "dacs"}`.
    """

    path: str
    annotation: object
    given: Mapping[str, str] = field(default_factory=dict)

    def is_group(self) -> bool:
        """Returns True if this place holds further settings rather than a single value."""
        return any(_is_model(kind.annotation) or get_origin(kind.annotation) is dict for kind in _kinds(self))

    def is_list(self) -> bool:
        """Returns True if a list is allowed here and a string is not."""
        origins = [get_origin(kind.annotation) for kind in _kinds(self)]
        return any(origin in (tuple, list) for origin in origins) and all(
            kind.annotation is not str for kind in _kinds(self)
        )

    @property
    def description(self) -> str:
        """The field's docstring; empty if it has none."""
        _, notes = _unwrapped(self.annotation)
        return next((note.description for note in notes if isinstance(note, FieldInfo) and note.description), "")

    def check(self, value: object) -> None:
        """Raises pydantic's ValidationError if the value is not allowed here."""
        self._adapter.validate_python(value)

    @cached_property
    def _adapter(self) -> TypeAdapter[object]:
        kind = cast("type[object]", self.annotation)
        return TypeAdapter(kind, config=ConfigDict(strict=True, allow_inf_nan=False))


def slots(model: type[BaseModel], parts: Sequence[str | int], trees: Sequence[Tree] = ()) -> list[Slot]:
    """Returns every place that the path leads to in a settings class; empty if there is no such path.

    Args:
        model: Settings class.
        parts: Path.
        trees: Values of the class; code of the user that one of them names is one more kind of its section.

    Raises:
        InputError: The code that is named on the way cannot be imported.
    """
    places = [Slot("", model)]
    for part in parts:
        places = [inner for place in places for kind in _kinds(place, trees) for inner in _inside(kind, part)]
    return places


def names_below(model: type[BaseModel], parts: Sequence[str | int], tree: Tree) -> list[str]:
    """Returns the names of settings directly below a path, of every kind that is possible there given the values in
    `tree`."""
    found = [
        name
        for place in slots(model, parts, [tree])
        for kind in _kinds(place, [tree])
        if _is_model(kind.annotation) and _possible(kind, tree)
        for name in _fields(kind.annotation)
    ]
    return list(dict.fromkeys(found))


def all_paths(model: type[BaseModel], trees: Sequence[Tree] = ()) -> list[str]:
    """Returns every path to a single setting; the contents of free mappings (`data.domains`) are left out.

    Args:
        model: Settings class.
        trees: Values of the class, whose code of the user counts as in `slots`.
    """
    return list(dict.fromkeys(_leaves(Slot("", model), trees)))


def code_kinds(model: type[BaseModel], section: str, trees: Sequence[Tree]) -> list[type[CodeSettings]]:
    """Returns the settings classes of the user's code that values name in a section.

    Raises:
        InputError: Code cannot be imported.
    """
    kinds = [kind.annotation for place in slots(model, (section,), trees) for kind in _kinds(place, trees)]
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, CodeSettings)]


def nearest(name: str, valid: Iterable[str]) -> str:
    """Returns a hint for an unknown `name`: the nearest valid name, or all of them if none is near."""
    choices = [str(choice) for choice in valid]
    namesakes = [choice for choice in choices if choice.rpartition(".")[2] == name.rpartition(".")[2]]
    namesakes.sort(key=lambda choice: choice.count("."))
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.6) or namesakes[:1]
    if "." not in name:
        # For a name without dots, paths that only look similar are not meant.
        close = namesakes[:1] or close
    if close:
        return f"did you mean {close[0]}?"
    return f"choose from {', '.join(choices)}" if 0 < len(choices) <= 30 else "no valid one is near"


def _leaves(place: Slot, trees: Sequence[Tree]) -> Iterator[str]:
    for kind in _kinds(place, trees):
        if not _is_model(kind.annotation):
            if get_origin(kind.annotation) is not dict:
                yield kind.path
            continue
        for name in _fields(kind.annotation):
            for inner in _inside(kind, name):
                yield from _leaves(inner, trees)


def _kinds(place: Slot, trees: Sequence[Tree] = ()) -> Iterator[Slot]:
    """Yields the place itself, or one place for each kind of a union."""
    annotation, notes = _unwrapped(place.annotation)
    if get_origin(annotation) not in (Union, types.UnionType):
        yield Slot(place.path, annotation, place.given)
        return
    selector = next(filter(None, map(_selector, notes)), None)
    for kind in get_args(annotation):
        if selector is None:
            yield from _kinds(Slot(place.path, kind, place.given), trees)
            continue
        for tag, named in _named(kind, f"{place.path}.{selector}", selector, trees):
            yield Slot(place.path, named, {**place.given, f"{place.path}.{selector}": tag})


def _selector(note: object) -> str | None:
    """Returns the key that tells the kinds of a union apart, if an annotation of the union says so."""
    if isinstance(note, FieldInfo):
        own = note.discriminator if isinstance(note.discriminator, str) else None
        return own or next(filter(None, map(_selector, note.metadata)), None)
    return note.selector if isinstance(note, Kinds) else None


def _named(kind: type[BaseModel], path: str, selector: str, trees: Sequence[Tree]) -> Iterator[tuple[str, object]]:
    """Yields the names of a kind; for the user's code the names that values have at a path, with their classes."""
    if issubclass(kind, CodeSettings):
        values = [at_path(tree, path.split(".")) for tree in trees]
        for name in dict.fromkeys(value for value in values if isinstance(value, str) and is_code(value)):
            yield name, settings_class(kind, name)
        return
    for tag in get_args(kind.model_fields[selector].annotation):
        yield tag, kind


def _inside(kind: Slot, part: str | int) -> Iterator[Slot]:
    """Yields the places one step below a place that is not a union."""
    path = f"{kind.path}.{part}" if kind.path else str(part)
    origin, arguments = get_origin(kind.annotation), get_args(kind.annotation)
    if _is_model(kind.annotation):
        if issubclass(kind.annotation, UnreadCode):  # type: ignore[arg-type]
            yield Slot(path, object, kind.given)
            return
        info = _fields(kind.annotation).get(str(part))
        if info is not None:
            annotation = Annotated[info.annotation, info]  # type: ignore[name-defined]
            yield Slot(path, annotation, kind.given)
    elif origin is dict:
        yield Slot(path, arguments[1], kind.given)
    elif origin in (tuple, list) and str(part).isdecimal():
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
