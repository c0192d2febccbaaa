"""Names of our own kinds of a section chosen by name."""

from typing import Any, get_args

from segada.settings.named_kinds import code_kind


def names_of(annotated: Any, selector: str = "name") -> set[str]:
    """Returns the names in a union of settings classes, without the user's code."""
    union = get_args(annotated)[0]
    kinds = [kind for kind in get_args(union) if kind is not code_kind(union)]
    return {name for kind in kinds for name in get_args(kind.model_fields[selector].annotation)}
