"""Errors that the user can correct. Imports nothing of this package."""

from collections.abc import Sequence


class InputError(ValueError):
    """A wrong input of the user. The message is one line: the place, the problem and the remedy.

    Example:
        >>> import segada
        >>> try:
        ...     segada.load_settings("absent.yaml")
        ... except segada.InputError as error:
        ...     print(str(error).partition(":")[0])
        absent.yaml
    """

    def __init__(self, text: str, path: Sequence[str] = ()) -> None:
        """Takes the message and escapes unprintable characters, for example control characters and lone surrogates.

        Args:
            text: The message.
            path: Path of the setting that is wrong in the settings of a run, if it is known: `("data", "root")`.
        """
        super().__init__("".join(one if one.isprintable() else _escaped(one) for one in text))
        self.path = tuple(path)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
