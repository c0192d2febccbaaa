"""Names of parameters where a whole path is too long: the shortest end of it that no other parameter has."""

from collections.abc import Iterable


def short_names(paths: Iterable[str]) -> dict[str, str]:
    """Returns the shortest unambiguous name of each parameter, by path and in the given order.

    A name is the end of the path: `probability`, or `clahe.probability` where another parameter is a probability too.
    A last word `name` is left out: `adapter.name` is `adapter`. If no shorter name is unambiguous, it is the path.
    """
    known = {path: (_parts(path), path.split(".")) for path in paths}
    return {path: _shortest(path, known) for path in known}


def _parts(path: str) -> list[str]:
    *sections, last = path.split(".")
    return sections if sections and last == "name" else [*sections, last]


def _shortest(path: str, known: dict[str, tuple[list[str], list[str]]]) -> str:
    own = known[path][0]
    others = [words for other, both in known.items() if other != path for words in both]
    ends = (own[-length:] for length in range(1, len(own) + 1))
    return next((".".join(end) for end in ends if all(words[-len(end) :] != end for words in others)), path)
