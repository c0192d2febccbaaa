"""Expansion of environment variables in paths of settings."""

import os
import re
from pathlib import Path

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")


def expand(text: str) -> Path:
    """Replaces `${NAME}` and `${NAME:-default}`, as a shell does, and a leading `~`.

    Raises:
        ValueError: A variable without default is unset or empty, or no user has the name behind `~`.
    """
    path = Path(_VARIABLE.sub(_value, text))
    try:
        return path.expanduser()
    except RuntimeError:
        if path.parts[0] == "~":
            raise ValueError(
                f"{text} begins with the home directory, and this user has none; set HOME, or give the full path"
            ) from None
        raise ValueError(
            f"there is no user {path.parts[0]}, whose home directory the path starts with; give the full path"
        ) from None


def _value(match: re.Match[str]) -> str:
    name, default = match["name"], match["default"]
    value = os.environ.get(name) or default
    if value is None:
        raise ValueError(f"environment variable {name} is not set; set it, or write ${{{name}:-some/folder}}")
    return value
