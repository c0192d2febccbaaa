"""The contract of a data set: a new one adds a line to `EXAMPLES`."""

import hashlib
from typing import get_args

import numpy as np
import pytest
from published_trees import TREES

from segada.data.datasets.registry import DATASETS
from segada.data.splits import Split
from segada.settings.camvid import CamVidDomain
from segada.settings.data import DataSettings, DomainSettings, SplitSettings
from segada.settings.domains import StreetsDomain
from segada.testing.data_sets import DATA_CHECKS, LIMIT, NAME, SIZES, DataCase
from segada.testing.findings import assert_holds

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


@pytest.fixture(scope="module", params=DATASETS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[DomainSettings, str]:
    root = tmp_path_factory.mktemp(request.param)
    domain = EXAMPLES[request.param] or TREES[request.param](root).model_copy(update={"weather": "100mm"})
    return domain, str(root)


@pytest.fixture
def case(written: tuple[DomainSettings, str], request: pytest.FixtureRequest) -> DataCase:
    domain, root = written
    where = str(request.getfixturevalue("camvid")) if domain.dataset == "camvid" else root
    splits = SplitSettings(source=LIMIT, adapt=LIMIT, val=LIMIT, test=LIMIT)
    return DataCase(DataSettings(size=SIZES[0], root=where, domains={NAME: domain}, splits=splits))


def has_labels(case: DataCase) -> bool:
    return case.data.domains[NAME].has_labels()


def test_every_data_set_has_an_example() -> None:
    assert EXAMPLES.keys() == DATASETS.keys()


@pytest.mark.parametrize("promise", DATA_CHECKS)
def test_it_keeps_the_promise(case: DataCase, promise: str) -> None:
    assert_holds(DATA_CHECKS, promise, case)


@pytest.mark.parametrize("split", get_args(Split))
def test_every_split_has_frames_that_show_something(case: DataCase, split: Split) -> None:
    frames = case.load(split)
    assert len(frames) == LIMIT
    assert (len(np.unique(frames.labels)) > 4) == has_labels(case)
    assert frames.images.std() > 10


def test_no_frame_serves_two_purposes(case: DataCase) -> None:
    loaded = [case.load(split) for split in get_args(Split)]

    judged = [frames.labels if has_labels(case) else frames.images for frames in loaded]
    hashes = [hashlib.sha256(one.tobytes()).digest() for frames in judged for one in frames]
    assert len(set(hashes)) == LIMIT * len(loaded)


def test_rain_changes_the_images(case: DataCase) -> None:
    clear, rainy = case.in_weather("clear").load("test"), case.load("test")
    assert np.abs(rainy.images.astype(int) - clear.images).mean() > 5
