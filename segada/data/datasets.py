"""Every data set by the name that settings use."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from segada.data.camvid import count_camvid, load_camvid
from segada.data.frames import Frames
from segada.data.splits import Split
from segada.data.streets import count_streets, load_streets
from segada.settings.data import DataSettings
from segada.settings.files import InputError


@dataclass(frozen=True, slots=True)
class DataSet:
    """How frames of one layout are counted and loaded.

    Both functions take the data set's own domain settings, which `DomainSettings` pairs with its name: hence Any.

    Attributes:
        count: Frames that a domain has for a purpose, without reading them.
        load: Those of them whose numbers are given, all for None.
    """

    count: Callable[[Any, DataSettings, Split], int]
    load: Callable[[Any, DataSettings, Split, Sequence[int] | None], Frames]


DATASETS: Final[dict[str, DataSet]] = {
    "streets": DataSet(count_streets, load_streets),
    "camvid": DataSet(count_camvid, load_camvid),
}


def count_frames(name: str, data: DataSettings, split: Split) -> int:
    """How many frames a domain of `data.domains` has for one purpose.

    Raises:
        InputError: its files are missing or not as expected, or it has no frames for this purpose.
    """
    domain = data.domains[name]
    try:
        return DATASETS[domain.dataset].count(domain, data, split)
    except ValueError as error:
        raise InputError(f"domain {name!r}: {error}") from error


def load_domain(name: str, data: DataSettings, split: Split, indices: Sequence[int] | None = None) -> Frames:
    """The frames of a domain of `data.domains` for one purpose, or those of them that are asked for.

    Raises:
        InputError: its files are missing or not as expected, or it has no frames for this purpose.
    """
    domain = data.domains[name]
    try:
        return DATASETS[domain.dataset].load(domain, data, split, indices)
    except ValueError as error:
        raise InputError(f"domain {name!r}: {error}") from error
