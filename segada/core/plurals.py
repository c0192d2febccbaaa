"""Numbers of things in sentences."""


def counted(count: int, noun: str) -> str:
    """Returns a number with its noun in the singular or plural: `1 run`, `2 runs`; the plural adds an s."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
