"""Errors that the user can correct. Imports nothing."""


class InputError(ValueError):
    """A wrong input of the user. The message is one line: the place, the problem and the remedy."""

    def __init__(self, text: str) -> None:
        """Takes the message and escapes unprintable characters, for example control characters and lone surrogates."""
        super().__init__("".join(one if one.isprintable() else _escaped(one) for one in text))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
