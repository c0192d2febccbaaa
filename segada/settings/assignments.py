"""`path=value` on a command line: the value is read as YAML is."""

from collections.abc import Sequence

from segada.settings.files import InputError, read_value
from segada.settings.trees import Value


def parse_assignments(texts: Sequence[str], option: str = "--set") -> dict[str, Value]:
    """`["a.b=1e-3", "c=[1, 2]"]` as `{"a.b": 0.001, "c": [1, 2]}`; of two for one path the later one wins.

    Raises:
        InputError: one has no `=`, no path, or a value that is not YAML.
    """
    values = {}
    for text in texts:
        path, separator, value = text.partition("=")
        if not separator or not path or "" in path.split("."):
            raise InputError(f"{option} {text}: must be PATH=VALUE, as in {option} method.threshold=0.9")
        values[path] = read_value(value, f"{option} {text}")
    return values
