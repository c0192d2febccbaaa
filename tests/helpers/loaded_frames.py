"""Loads all frames of a domain at once, which the engine itself never does."""

from segada.data.datasets.registry import check_readable, open_domain
from segada.data.frames import Frames
from segada.data.splits import Split
from segada.settings.data import DataSettings


def load_domain(name: str, data: DataSettings, split: Split) -> Frames:
    """Returns the frames of a domain of `data.domains` for one purpose.

    Raises:
        InputError: its files are missing or not as expected, or it has no frames for this purpose.
    """
    opened = open_domain(name, data, split)
    check_readable(name, [opened], data)
    return opened.load()
