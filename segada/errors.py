"""Errors that a person can mend. Plain Python: imports nothing."""


class InputError(ValueError):
    """What a person gave is wrong. The text is one line: where, what, and what would be right."""

    def __init__(self, text: str) -> None:
        """Takes the text; what no terminal shows as it is, a control character or half a surrogate, is escaped."""
        super().__init__("".join(one if one.isprintable() else _escaped(one) for one in text))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
