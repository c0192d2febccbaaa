"""Numbers and folders on the command lines of the benchmarks."""

import argparse
from collections.abc import Callable
from pathlib import Path


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


def folder(text: str) -> Path:
    """What argparse takes as the type of a folder: an empty word, as of a variable that is not set, is none."""
    if not text.strip():
        raise argparse.ArgumentTypeError("names no folder; write one, or leave the option out")
    return Path(text)
