"""Calls a function of the user as the program of an external engine: `python -m hpo.external.call FUNCTION CALL`."""

import inspect
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from segada.core.named_code import load_code
from segada.errors import InputError


def main(words: list[str]) -> int:
    """Calls the function and appends a line per visit that it yields; with one word, only looks for the function."""
    name, *rest = words
    try:
        function = load_code(name)
    except InputError as error:
        return _refused(str(error))
    if not callable(function):
        return _refused(f"{name!r} is no function")
    if not rest:
        return 0
    call: dict[str, Any] = json.loads(rest[0])
    folder = Path(call["folder"])
    given = json.loads((folder / call["settings"]).read_text(encoding="utf-8"))
    told = {"folder": folder, "seed": call["seed"], "split": call["split"]}
    told |= {"resume": call["resume"], "visits": call["visits"]}
    taken = inspect.signature(function).parameters.values()
    takes_all = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in taken)
    names = {one.name for one in taken}
    visits = function(given, **{key: value for key, value in told.items() if takes_all or key in names})
    if not isinstance(visits, Iterable):
        return _refused(f"{name!r} returned {visits!r}, not the visits one by one; yield a mapping for each")
    with (folder / "visits.jsonl").open("a", encoding="utf-8") as file:
        for visit in visits:
            file.write(json.dumps(visit) + "\n")
            file.flush()
    return 0


def _refused(problem: str) -> int:
    sys.stderr.write(f"{problem}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
