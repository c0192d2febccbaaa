"""Types of numbers and folders for the benchmarks' command lines."""

import argparse
from collections.abc import Callable
from pathlib import Path


def count(least: int = 1) -> Callable[[str], int]:
    """Returns an argparse type for a count.

    Args:
        least: smallest allowed number.
    """

    def checked(text: str) -> int:
        number = int(text)
        if number < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, but is {number}")
        return number

    # argparse uses this name in its message if the text is not a number.
    checked.__name__ = "whole number"
    return checked


def folder(text: str) -> Path:
    """Converts an argument to a path; refuses empty text, for example of an unset shell variable."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty; give a folder, or leave the option out")
    return Path(text)
