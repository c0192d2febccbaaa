"""Errors that a person can mend. Plain Python: imports nothing."""


class InputError(ValueError):
    """An input is wrong: settings, data, weights or an option. The text is one line: where, what, and the cure.

    Example:
        >>> import segada
        >>> try:
        ...     segada.load_settings("absent.yaml")
        ... except segada.InputError as error:
        ...     print(str(error).partition(":")[0])
        absent.yaml
    """

    def __init__(self, text: str) -> None:
        """Takes the text; what no terminal shows as it is, a control character or half a surrogate, is escaped."""
        super().__init__("".join(one if one.isprintable() else _escaped(one) for one in text))


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
