"""`path=value` on a command line: the value is read as YAML; where a list belongs, comma-separated words are one."""

from collections.abc import Sequence

from pydantic import BaseModel

from segada.errors import InputError
from segada.settings.files import read_value
from segada.settings.limits import DEPTH, KEY
from segada.settings.named_kinds import absolute_names
from segada.settings.nested import Value
from segada.settings.run import RunSettings
from segada.settings.schema import slots
from segada.settings.validation_errors import shown


def parse_assignments(
    texts: Sequence[str], option: str = "--set", model: type[BaseModel] = RunSettings
) -> dict[str, Value]:
    """Returns `["a.b=1e-3", "c=[1, 2]"]` as `{"a.b": 0.001, "c": [1, 2]}`; a later assignment to the same path takes
    precedence.

    Where the settings have a list, `model.frozen_modules=encoder.stages.0,head` is a list of two words, and
    `stream.visits=clear` one of a single word.

    Args:
        texts: Assignments of the command line.
        option: Name of the option in errors.
        model: Settings class that the paths lead into.

    Raises:
        InputError: An assignment has no `=`, no path, or a value that is not YAML.
    """
    values = {}
    for text in texts:
        path, separator, value = text.partition("=")
        if len(path) > KEY or path.count(".") >= DEPTH:
            limit = f"a path has at most {KEY} characters and {DEPTH} names"
            raise InputError(f"{option} {shown(path)}: {limit}, as in {option} method.pseudo_threshold=0.9")
        if not separator or not path or "" in path.split("."):
            raise InputError(f"{option} {text[:KEY]}: must be PATH=VALUE, as in {option} method.pseudo_threshold=0.9")
        values[path] = absolute_names(_listed(path, read_value(value, f"{option} {text}"), model), "")
    return values


def _listed(path: str, value: Value, model: type[BaseModel]) -> Value:
    places = slots(model, path.split("."))
    if not isinstance(value, str) or not places or not all(place.is_list() for place in places):
        return value
    return [read_value(word, f"{path}={value}") for word in value.split(",") if word.strip()]
