"""The contract of a data set: a new one adds a line to `EXAMPLES`."""

import hashlib
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pytest
from loaded_frames import load_domain
from published_trees import TREES

from segada.data.datasets.registry import DATASETS
from segada.data.frames import Frames
from segada.data.splits import Split
from segada.settings.data import DataSettings, DomainSettings, SplitSettings
from segada.settings.domains import CamVidDomain, StreetsDomain

EXAMPLES: dict[str, DomainSettings | None] = {
    "streets": StreetsDomain(weather="100mm"),
    "camvid": CamVidDomain(dataset="camvid", sequences=("0016E5", "0006R0"), weather="100mm"),
    "cityscapes": None,
    "rainy_cityscapes": None,
    "foggy_cityscapes": None,
    "acdc": None,
    "shift": None,
    "gta5": None,
    "synthia": None,
    "coco": None,
    "folders": None,
    "video": None,
}
"""A domain; for None the one that comes with the small data set of `published_trees`."""
SIZES = ((32, 64), (48, 64))
LIMIT = 5


@dataclass(frozen=True)
class Example:
    """A domain with frames for every split."""

    domain: DomainSettings
    root: str | None

    def load(self, split: Split, size: tuple[int, int] = SIZES[0]) -> Frames:
        splits = SplitSettings(source=LIMIT, adapt=LIMIT, val=LIMIT, test=LIMIT)
        data = DataSettings(size=size, root=self.root, domains={"it": self.domain}, splits=splits)
        return load_domain("it", data, split)


@pytest.fixture(scope="module", params=DATASETS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Example:
    root = tmp_path_factory.mktemp(request.param)
    domain = EXAMPLES[request.param] or TREES[request.param](root).model_copy(update={"weather": "100mm"})
    return Example(domain, str(root))


@pytest.fixture
def example(written: Example, request: pytest.FixtureRequest) -> Example:
    photographs = written.domain.dataset == "camvid"
    return Example(written.domain, str(request.getfixturevalue("camvid"))) if photographs else written


def test_every_data_set_has_an_example() -> None:
    assert EXAMPLES.keys() == DATASETS.keys()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("split", get_args(Split))
def test_frames_have_the_size_the_types_and_the_labels_of_the_engine(
    example: Example, split: Split, size: tuple[int, int]
) -> None:
    frames = example.load(split, size)

    assert len(frames) == LIMIT
    assert frames.images.shape == (LIMIT, *size, 3)
    assert frames.images.dtype == np.uint8
    assert frames.labels.shape == (LIMIT, *size)
    assert frames.labels.dtype == np.uint8
    assert set(np.unique(frames.labels)) <= {*range(19), 255}
    assert (len(np.unique(frames.labels)) > 4) == example.domain.has_labels()
    assert frames.images.std() > 10


def test_no_frame_serves_two_purposes(example: Example) -> None:
    loaded = [example.load(split) for split in get_args(Split)]

    judged = [frames.labels if example.domain.has_labels() else frames.images for frames in loaded]
    hashes = [hashlib.sha256(one.tobytes()).digest() for frames in judged for one in frames]
    assert len(set(hashes)) == LIMIT * len(loaded)


@pytest.mark.parametrize("split", get_args(Split))
def test_loading_again_gives_the_same_frames(example: Example, split: Split) -> None:
    first, second = example.load(split), example.load(split)

    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.labels, second.labels)


def test_weather_changes_the_images_and_not_the_labels(example: Example) -> None:
    clear = Example(example.domain.model_copy(update={"weather": "clear"}), example.root).load("test")

    rainy = example.load("test")

    np.testing.assert_array_equal(rainy.labels, clear.labels)
    assert np.abs(rainy.images.astype(int) - clear.images).mean() > 5
