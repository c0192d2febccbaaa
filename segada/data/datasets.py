"""Every data set by the name that settings use."""

from collections.abc import Callable
from typing import Any, Final

from segada.data.camvid import load_camvid
from segada.data.frames import Frames
from segada.data.splits import Split
from segada.data.streets import load_streets
from segada.settings.data import DataSettings

# A loader takes its own data set's domain settings, which `DomainSettings` pairs with the name: hence Any.
DATASETS: Final[dict[str, Callable[[Any, DataSettings, Split], Frames]]] = {
    "streets": load_streets,
    "camvid": load_camvid,
}


def load_domain(name: str, data: DataSettings, split: Split) -> Frames:
    """The frames of a domain of `data.domains` for one purpose.

    Raises:
        ValueError: its files are missing or not as expected, or it has no frames for this purpose.
    """
    domain = data.domains[name]
    try:
        return DATASETS[domain.dataset](domain, data, split)
    except ValueError as error:
        raise ValueError(f"domain {name!r}: {error}") from error
