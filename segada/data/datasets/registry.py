"""All data sets by the name used in settings."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol

from segada.core.named_code import named
from segada.data.datasets.acdc import ACDC
from segada.data.datasets.camvid import CAMVID
from segada.data.datasets.cityscapes import CITYSCAPES
from segada.data.datasets.coco import COCO
from segada.data.datasets.domain_frames import DomainFrames, LabelledFrame, ListedFrames, check_share
from segada.data.datasets.foggy_cityscapes import FOGGY_CITYSCAPES
from segada.data.datasets.folders import FOLDERS
from segada.data.datasets.gta5 import GTA5
from segada.data.datasets.rainy_cityscapes import RAINY_CITYSCAPES
from segada.data.datasets.recorded import Recorded
from segada.data.datasets.shift import SHIFT
from segada.data.datasets.synthia import SYNTHIA
from segada.data.frames import WrongSetting
from segada.data.splits import Split
from segada.data.synthetic.streets import Streets
from segada.errors import InputError
from segada.settings.data import DataSettings


class DataSet(Protocol):
    """Interface for counting and loading the frames of a data set.

    Each method takes the data set's own domain settings, which `DomainSettings` pairs with its name: hence Any.
    """

    @property
    def recorded(self) -> bool:
        """True if its frames are files, to which `data.loading` applies."""

    def listed(self, domain: Any, data: DataSettings, split: Split) -> ListedFrames:
        """Counts the frames of a split without reading them: some may turn out to be unreadable."""

    def open(self, domain: Any, data: DataSettings, split: Split) -> DomainFrames:
        """Returns the frames of a split of a domain."""

    def labelled(self, domain: Any, data: DataSettings, split: Split) -> Iterable[LabelledFrame]:
        """Returns the frames one after the other, with labels at their original resolution."""


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
    "coco": Recorded(COCO),
    "folders": Recorded(FOLDERS),
}

LAYOUTS: Final = {name: data_set.layout for name, data_set in DATASETS.items() if isinstance(data_set, Recorded)}
"""Layouts of the data sets stored in files."""


def count_frames(name: str, data: DataSettings, split: Split) -> int:
    """Returns the number of frames of one split of a domain of `data.domains`, unreadable ones included.

    Raises:
        InputError: Its files are missing or not as expected, or the split is empty.
    """
    return listed_frames(name, data, split).count


def listed_frames(name: str, data: DataSettings, split: Split) -> ListedFrames:
    """Returns the number of frames of one split of a domain of `data.domains`, unreadable ones included, and the files
    that are left out of their folders.

    Raises:
        InputError: Its files are missing or not as expected, or the split is empty.
    """
    domain = data.domains[name]
    with _about(name, data):
        return named(DATASETS, domain.dataset).listed(domain, data, split)


def is_cached(name: str, data: DataSettings) -> bool:
    """Returns True if the frames of a domain of `data.domains` are mapped from the cache and take no memory."""
    return data.loading.cache is not None and named(DATASETS, data.domains[name].dataset).recorded


def open_domain(name: str, data: DataSettings, split: Split) -> DomainFrames:
    """Returns the frames of one split of a domain of `data.domains`; recorded ones are decoded, or taken from the
    cache.

    Any number of frames may be unreadable: callers that open several splits of a domain check them with
    `check_readable`.

    Raises:
        InputError: Its files are missing or not as expected, or the split is empty.
    """
    domain = data.domains[name]
    with _about(name, data):
        return named(DATASETS, domain.dataset).open(domain, data, split)


def check_readable(name: str, opened: Sequence[DomainFrames], data: DataSettings) -> None:
    """Checks that enough frames of a domain are readable.

    Raises:
        InputError: More of its frames than `data.loading.unreadable_share`, or all of a split, are unreadable.
    """
    unreadable = [one for frames in opened for one in frames.unreadable]
    with _about(name, data):
        check_share(sum(frames.listed for frames in opened), unreadable, data.loading.unreadable_share)
        for frames in opened:
            if not len(frames):
                check_share(frames.listed, frames.unreadable, share=0.0)


def labelled_frames(name: str, data: DataSettings, split: Split) -> Iterator[LabelledFrame]:
    """Yields the frames of one split of a domain of `data.domains`, read one after the other and not kept.

    Images have `data.size`, labels the size of their files; streets are rendered at `data.size`. Unreadable frames are
    left out.

    Raises:
        InputError: Files are missing or not as expected, the split is empty, or more of its frames than
            `data.loading.unreadable_share` are unreadable.
    """
    domain = data.domains[name]
    with _about(name, data):
        yield from named(DATASETS, domain.dataset).labelled(domain, data, split)


def domain_error(name: str, data: DataSettings, error: ValueError) -> InputError:
    """Returns an error about a domain of `data.domains`, with the path of the setting that is wrong: that of the domain
    itself if the error names none.
    """
    domain = data.domains[name]
    keys = error.keys if isinstance(error, WrongSetting) else ()
    given = [key for key in keys if getattr(domain, key, None) not in (None, {}, ())]
    is_root = not given and "root" in keys and data.root is not None
    path = ("data", "root") if is_root else ("data", "domains", name, *given[:1])
    return InputError(f"domain {name!r}: {error}", path)


@contextmanager
def _about(name: str, data: DataSettings) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise domain_error(name, data, error) from error
