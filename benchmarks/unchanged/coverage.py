"""Prints, as JSON, the settings of a checkout that no run covers, in a separate process with that checkout's `segada`.

Reads `{name: settings}` from standard input. Required are every value that a setting lists, every item of a list of
such values, and a non-default value of any other setting.
"""

import json
import sys
import typing
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

CODE: Final = (
    "CodeDomain.dataset",
    *(f"Code{kind}.name" for kind in ("Adapter", "Controller", "ImageAdapter", "Method")),
)
EXEMPT: Final = {
    **dict.fromkeys(CODE, "a recording has no code of a user"),
    "RuntimeSettings.device 'cuda'": "a recording is made on a CPU",
    "FollowSettings.names": "a recording has no pipe",
    "RuntimeSettings.threads": "a recording is made with one thread",
}
"""Settings that need no coverage, with the reason."""

Setting = tuple[type[BaseModel], str]
"""The class that defines a setting, and its name."""


def main() -> None:
    """Reads runs from the input and prints `{"segada": file, "invalid": {...}, "uncovered": [...]}`."""
    import segada
    from segada.settings import RunSettings

    runs: dict[str, dict[str, Any]] = json.load(sys.stdin)
    seen: dict[Setting, list[Any]] = defaultdict(list)
    invalid = {}
    for name, given in runs.items():
        try:
            settings = RunSettings.model_validate(given)
        except ValidationError as error:
            invalid[name] = str(error)
            continue
        for setting, value in _values(settings):
            seen[setting].append(value)
        # A preset is null once its settings have replaced it.
        seen[RunSettings, "preset"].append(given.get("preset"))
    uncovered = [text for text in _uncovered(RunSettings, seen) if text not in EXEMPT]
    print(json.dumps({"segada": segada.__file__, "invalid": invalid, "uncovered": uncovered}))


def _uncovered(root: type[BaseModel], seen: Mapping[Setting, list[Any]]) -> Iterator[str]:
    settings = {
        (_definer(model, name), name): field for model in _models(root) for name, field in model.model_fields.items()
    }
    for (model, name), field in settings.items():
        values = seen.get((model, name), [])
        choices = list(_choices(field.annotation))
        met = {repr(item) for value in values for item in (value if isinstance(value, tuple) else (value,))}
        yield from (f"{model.__name__}.{name} {choice!r}" for choice in choices if repr(choice) not in met)
        plain = not choices and not any(_models(field.annotation))
        if plain and all(value == field.get_default(call_default_factory=True) for value in values):
            yield f"{model.__name__}.{name}"


def _values(settings: BaseModel) -> Iterator[tuple[Setting, Any]]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        yield (_definer(type(settings), name), name), value
        for inside in value.values() if isinstance(value, dict) else (value,):
            if isinstance(inside, BaseModel):
                yield from _values(inside)


def _definer(model: type[BaseModel], name: str) -> type[BaseModel]:
    """Returns the class that a setting is inherited from, so that it is required once."""
    return next(one for one in reversed(model.__mro__) if name in getattr(one, "__annotations__", {}))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation)
    for argument in typing.get_args(annotation):
        yield from _models(argument)


def _choices(annotation: Any) -> Iterator[Any]:
    """Yields the values that an annotation lists, those of settings classes inside it excepted."""
    if typing.get_origin(annotation) is typing.Literal:
        yield from typing.get_args(annotation)
        return
    for argument in typing.get_args(annotation):
        yield from _choices(argument)


if __name__ == "__main__":
    main()
