"""Numbers on the command lines of the benchmarks that count something."""

import argparse
from collections.abc import Callable


def count(least: int = 1) -> Callable[[str], int]:
    """What argparse takes as the type of a count.

    Args:
        least: the smallest number that makes sense.
    """

    def checked(text: str) -> int:
        number = int(text)
        if number < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, but is {number}")
        return number

    # argparse calls it so where the text is no number at all.
    checked.__name__ = "whole number"
    return checked
