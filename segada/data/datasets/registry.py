"""Every data set by the name that settings use."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol

from segada.data.datasets.acdc import ACDC
from segada.data.datasets.camvid import CAMVID
from segada.data.datasets.cityscapes import CITYSCAPES
from segada.data.datasets.domain_frames import DomainFrames, LabelledFrame, check_share
from segada.data.datasets.foggy_cityscapes import FOGGY_CITYSCAPES
from segada.data.datasets.folders import FOLDERS
from segada.data.datasets.gta5 import GTA5
from segada.data.datasets.rainy_cityscapes import RAINY_CITYSCAPES
from segada.data.datasets.recorded import Recorded
from segada.data.datasets.shift import SHIFT
from segada.data.datasets.synthia import SYNTHIA
from segada.data.splits import Split
from segada.data.synthetic.streets import Streets
from segada.errors import InputError
from segada.settings.data import DataSettings


class DataSet(Protocol):
    """How frames of one layout are counted and loaded.

    Each method takes the data set's own domain settings, which `DomainSettings` pairs with its name: hence Any.
    """

    @property
    def recorded(self) -> bool:
        """Whether its frames lie in files, so that `data.loading` says where they go."""

    def count(self, domain: Any, data: DataSettings, split: Split) -> int:
        """Frames that a domain has for a purpose, without reading them: some may turn out not to be readable."""

    def open(self, domain: Any, data: DataSettings, split: Split) -> DomainFrames:
        """The frames of a domain for a purpose."""

    def labelled(self, domain: Any, data: DataSettings, split: Split) -> Iterable[LabelledFrame]:
        """The same, one after the other, with labels of the size that they were drawn in."""


DATASETS: Final[dict[str, DataSet]] = {
    "streets": Streets(),
    "camvid": Recorded(CAMVID),
    "cityscapes": Recorded(CITYSCAPES),
    "rainy_cityscapes": Recorded(RAINY_CITYSCAPES),
    "foggy_cityscapes": Recorded(FOGGY_CITYSCAPES),
    "acdc": Recorded(ACDC),
    "shift": Recorded(SHIFT),
    "gta5": Recorded(GTA5),
    "synthia": Recorded(SYNTHIA),
    "folders": Recorded(FOLDERS),
}

LAYOUTS: Final = {name: data_set.layout for name, data_set in DATASETS.items() if isinstance(data_set, Recorded)}
"""Of those that lie in files."""


def count_frames(name: str, data: DataSettings, split: Split) -> int:
    """How many frames a domain of `data.domains` has for one purpose, those that cannot be read included.

    Raises:
        InputError: its files are missing or not as expected, or it has no frames for this purpose.
    """
    domain = data.domains[name]
    with _about(name):
        return DATASETS[domain.dataset].count(domain, data, split)


def is_cached(name: str, data: DataSettings) -> bool:
    """Whether the frames of a domain of `data.domains` are to be mapped from the cache and take no memory."""
    return data.loading.cache is not None and DATASETS[data.domains[name].dataset].recorded


def open_domain(name: str, data: DataSettings, split: Split) -> DomainFrames:
    """The frames of a domain of `data.domains` for one purpose; recorded ones are decoded, or found decoded.

    However many cannot be read is fine: whoever opens several splits of a domain decides by `check_readable`.

    Raises:
        InputError: its files are missing or not as expected, or it has no frames for this purpose.
    """
    domain = data.domains[name]
    with _about(name):
        return DATASETS[domain.dataset].open(domain, data, split)


def check_readable(name: str, opened: Sequence[DomainFrames], data: DataSettings) -> None:
    """Whether what can be read of a domain is enough to go on.

    Raises:
        InputError: more of its frames than `data.loading.unreadable_share`, or all for a purpose, cannot be read.
    """
    unreadable = [one for frames in opened for one in frames.unreadable]
    with _about(name):
        check_share(sum(frames.listed for frames in opened), unreadable, data.loading.unreadable_share)
        for frames in opened:
            if not len(frames):
                check_share(frames.listed, frames.unreadable, share=0.0)


def labelled_frames(name: str, data: DataSettings, split: Split) -> Iterator[LabelledFrame]:
    """The frames of a domain of `data.domains` for one purpose, read one after the other and kept nowhere.

    Images have `data.size`, labels the size of their files; streets are drawn at `data.size`. Frames that cannot be
    read are left out.

    Raises:
        InputError: files are missing or not as expected, there are none for this purpose, or more of them than
            `data.loading.unreadable_share` cannot be read.
    """
    domain = data.domains[name]
    with _about(name):
        yield from DATASETS[domain.dataset].labelled(domain, data, split)


@contextmanager
def _about(name: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise InputError(f"domain {name!r}: {error}") from error
