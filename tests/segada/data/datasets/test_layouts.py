"""Published layouts: pairing of labels and images, meaning of ids, splits, and errors."""

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final, get_args

import cv2
import numpy as np
import pytest
from loaded_frames import load_domain
from published_trees import CITIES, CITY_FRAMES, LABEL_IDS, SIZE, TRAIN_IDS, TREES, ids, picture, write

from segada.data.datasets.registry import count_frames, labelled_frames
from segada.data.splits import Split
from segada.errors import InputError
from segada.settings.data import DataSettings, DomainSettings
from segada.settings.files import load_run_settings
from segada.settings.loading import LoadingSettings

SPLITS: Final[tuple[Split, ...]] = get_args(Split)
UNCACHED: Final = LoadingSettings(cache=None, workers=0)


def data_of(root: Path, domain: DomainSettings, **changes: Any) -> DataSettings:
    domain = type(domain).model_validate({**domain.model_dump(), **changes})
    return DataSettings(size=SIZE, root=str(root), domains={"it": domain}, loading=UNCACHED)


def names(data: DataSettings, split: Split) -> list[str]:
    return [frame.name for frame in labelled_frames("it", data, split)]


def towns(data: DataSettings, split: Split) -> list[str]:
    return list(dict.fromkeys(name.partition("/")[0] for name in names(data, split)))


def train_ids(labels: Sequence[int], values: Sequence[int], to: Sequence[int]) -> np.ndarray:
    table = np.full(256, 254, np.uint8)
    table[list(values)] = to
    return table[labels]


@pytest.mark.parametrize(
    ("name", "values", "to"),
    [
        ("cityscapes", LABEL_IDS, TRAIN_IDS),
        ("rainy_cityscapes", TRAIN_IDS, TRAIN_IDS),
        ("foggy_cityscapes", LABEL_IDS, TRAIN_IDS),
        ("acdc", TRAIN_IDS, TRAIN_IDS),
        ("shift", (7, 8, 1, 9, 13, 10, 6, 19), (0, 1, 2, 8, 10, 13, 0, 255)),
        ("gta5", LABEL_IDS, TRAIN_IDS),
        ("synthia", (3, 4, 2, 6, 1, 8, 11, 22), (0, 1, 2, 8, 10, 13, 18, 255)),
        ("folders", (1, 2, 3, 4, 5, 6, 9, 0), (0, 1, 2, 8, 10, 13, 2, 255)),
    ],
)
def test_every_image_comes_with_its_own_labels_and_their_classes(
    tmp_path: Path, name: str, values: Sequence[int], to: Sequence[int]
) -> None:
    data = data_of(tmp_path, TREES[name](tmp_path))
    lossy = 40 if name in ("shift", "folders") else 0
    known = {number: picture(number)[..., ::-1].astype(int) for number in range(100)}
    seen: list[int] = []
    for split in SPLITS:
        for frame in labelled_frames("it", data, split):
            apart = {number: np.abs(frame.image - image).mean() for number, image in known.items()}
            number = min(apart, key=lambda number: apart[number])
            assert apart[number] <= lossy
            np.testing.assert_array_equal(frame.labels, train_ids(ids(number, values), values, to))
            seen.append(number)
    assert len(seen) == len(set(seen)) == {"acdc": 36, "shift": 30}.get(name, 36 if "cityscapes" in name else 60)


def test_cities_are_divided_by_halves_or_as_published(tmp_path: Path) -> None:
    domain = TREES["cityscapes"](tmp_path)

    halves = data_of(tmp_path, domain)
    assert {split: towns(halves, split) for split in SPLITS} == {
        "source": ["aachen", "bochum"],
        "adapt": ["ulm", "zurich"],
        "val": ["frankfurt"],
        "test": ["lindau"],
    }
    whole = data_of(tmp_path, domain, train="whole")
    assert names(whole, "source") == names(whole, "adapt")
    assert towns(whole, "source") == list(CITIES["train"])
    published = data_of(tmp_path, domain, train="whole", test="val")
    assert towns(published, "test") == list(CITIES["val"])
    assert len(names(published, "test")) == 2 * CITY_FRAMES
    assert len(names(published, "val")) == 2
    assert not set(names(published, "val")) & set(names(published, "source"))
    divided = data_of(tmp_path, domain, test="val")
    assert [len(names(divided, split)) for split in SPLITS] == [12, 10, 2, 12]


def test_a_rendering_that_lacks_frames_is_divided_where_the_others_are(tmp_path: Path) -> None:
    domain = TREES["rainy_cityscapes"](tmp_path)
    for image in (tmp_path / "weather/leftImg8bit/train/rain/50mm/rainy_image/aachen").iterdir():
        image.unlink()

    data = data_of(tmp_path, domain)

    assert towns(data, "source") == ["bochum"]
    assert towns(data, "adapt") == ["ulm", "zurich"]


def test_train_ids_are_taken_where_there_are_any(tmp_path: Path) -> None:
    domain = TREES["cityscapes"](tmp_path)
    converted = np.full(SIZE, 11, np.uint8)
    write(tmp_path / "gtFine/train/aachen/aachen_000000_000019_gtFine_labelTrainIds.png", converted)

    first, second = load_domain("it", data_of(tmp_path, domain), "source").labels[:2]

    assert np.unique(first).tolist() == [11]
    assert set(np.unique(second)) == set(TRAIN_IDS)


def test_folders_below_the_roots_can_have_other_names(tmp_path: Path) -> None:
    domain = TREES["cityscapes"](tmp_path)
    (tmp_path / "leftImg8bit").rename(tmp_path / "small")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "gtFine").rename(tmp_path / "elsewhere" / "truth")

    data = data_of(tmp_path, domain, images="small", labels="truth", labels_root=str(tmp_path / "elsewhere"))

    assert towns(data, "test") == ["lindau"]


@pytest.mark.parametrize("beta", [0.005, 0.01, 0.02])
def test_official_fog_is_found_by_its_beta(tmp_path: Path, beta: float) -> None:
    domain = TREES["foggy_cityscapes"](tmp_path)

    data = data_of(tmp_path, domain, visibility=None, beta=beta)

    assert len(names(data, "test")) == CITY_FRAMES
    with pytest.raises(ValueError, match="exactly one of them must be given"):
        data_of(tmp_path, domain, beta=beta)


def test_rendered_val_may_have_the_folder_that_train_has(tmp_path: Path) -> None:
    domain = TREES["rainy_cityscapes"](tmp_path)
    rendered = tmp_path / "weather/leftImg8bit/val/rain/50mm"
    rendered.rename(tmp_path / "cities")
    rendered.mkdir()
    (tmp_path / "cities").rename(rendered / "rainy_image")

    assert towns(data_of(tmp_path, domain), "test") == ["lindau"]


def test_train_ids_of_gta5_and_synthia_are_found_beside_the_published_labels(tmp_path: Path) -> None:
    for name, labels in (("gta5", "labels/00001"), ("synthia", "GT/LABELS/0000000")):
        domain = TREES[name](tmp_path / name)
        write(tmp_path / name / f"{labels}_labelTrainIds.png", np.full(SIZE, 15, np.uint8))

        frames = load_domain("it", data_of(tmp_path / name, domain), "source")

        assert len(frames) == 42
        assert np.unique(frames.labels[0]).tolist() == [15]
        assert 15 not in frames.labels[1:]


def test_folders_are_in_the_order_of_their_numbers_and_divided_by_shares(tmp_path: Path) -> None:
    domain = TREES["folders"](tmp_path)

    data = data_of(tmp_path, domain, shares=[0.4, 0.3, 0.0, 0.3])

    # 24 frames would be 0.4: the border is moved to the end of the first drive.
    assert names(data, "source") == [f"dawn/shot{number}" for number in range(20)]
    assert names(data, "adapt")[:3] == ["dusk/shot0", "dusk/shot1", "dusk/shot2"]
    with pytest.raises(InputError, match=r"no frames for 'val': too few to divide, or none are assigned to it"):
        names(data, "val")


def test_held_out_folders_are_selected_by_and_reported(tmp_path: Path) -> None:
    domain = TREES["folders"](tmp_path)

    data = data_of(
        tmp_path,
        domain,
        images="d*/camera/*.jpg",
        labels="d*/masks/*_mask.png",
        held_out_images="noon/camera/*.jpg",
        held_out_labels="noon/masks/*_mask.png",
        shares=[0.45, 0.35, 0.1, 0.1],
    )

    assert [len(names(data, split)) for split in SPLITS] == [20, 20, 10, 10]
    assert names(data, "test")[0] == "shot10"


@pytest.mark.parametrize(
    ("name", "gone", "said"),
    [
        ("cityscapes", "leftImg8bit", r"no folder .*/leftImg8bit/train; the data set cityscapes expects leftImg8bit/"),
        ("cityscapes", "gtFine", r"no folder .*/gtFine/train; .*labels_root, if gtFine is elsewhere"),
        ("rainy_cityscapes", "weather/leftImg8bit/train/rain", r"no folder .*/rain/50mm; .*rainy_image/<city>"),
        ("foggy_cityscapes", "leftImg8bit", r"no folder .*/train/fog/150m; .*leftImg8bit_foggy/<train, val>"),
        ("acdc", "rgb_anon/fog", r"no folder .*/rgb_anon/fog/train; .*<drive>/\*_rgb_anon\.png"),
        ("acdc", "gt", r"no folder .*/gt/fog/train; "),
        ("shift", "discrete/images/train", r"no folder .*/front/small_rain-daytime/imgs; "),
        ("gta5", "labels", r"no folder .*/labels; .*set data\.root, for instance to \$\{SEGADA_GTA5"),
        ("synthia", "GT", r"no folder .*/GT/LABELS; "),
    ],
)
def test_a_folder_that_is_missing_is_named_with_the_layout(tmp_path: Path, name: str, gone: str, said: str) -> None:
    domain = TREES[name](tmp_path)
    (tmp_path / gone).rename(tmp_path / "moved")

    with pytest.raises(InputError, match=f"domain 'it': {said}"):
        load_domain("it", data_of(tmp_path, domain), "source")


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("cityscapes", "gtFine/train/aachen/aachen_000002_000019_gtFine_labelIds.png"),
        ("acdc", "gt/fog/train/GOPR0475/GOPR0475_frame_000041_gt_labelTrainIds.png"),
        ("shift", "discrete/images/train/front/small_rain-daytime/semsegs/0aee-69fd/00000010_semseg_front.png"),
        ("gta5", "labels/00002.png"),
        ("synthia", "GT/LABELS/0000002.png"),
        ("folders", "dawn/masks/shot2_mask.png"),
    ],
)
def test_an_image_without_labels_is_named(tmp_path: Path, name: str, gone: str) -> None:
    domain = TREES[name](tmp_path)
    (tmp_path / gone).unlink()

    with pytest.raises(InputError, match=r"domain 'it': no labels .* for .*; the data set \w+ expects") as error:
        load_domain("it", data_of(tmp_path, domain), "source")
    # The root is right, since images are below it.
    assert "data.root" not in str(error.value)
    assert Path(gone).name.removesuffix("_gt_labelTrainIds.png") in str(error.value)


def test_an_empty_folder_and_a_path_that_does_not_exist_are_named(tmp_path: Path) -> None:
    domain = TREES["gta5"](tmp_path / "there")
    (tmp_path / "empty" / "images").mkdir(parents=True)

    with pytest.raises(InputError, match=r"no files \*\.png in .*empty/images; the data set gta5 expects"):
        load_domain("it", data_of(tmp_path / "empty", domain), "source")
    with pytest.raises(InputError, match=r"no folder .*nowhere/images"):
        load_domain("it", data_of(tmp_path / "nowhere", domain), "source")


def test_an_id_outside_the_map_is_an_error_even_if_it_is_rare(tmp_path: Path) -> None:
    domain = TREES["gta5"](tmp_path)
    strange = ids(3, LABEL_IDS)
    strange[2, 5:8] = 77
    write(tmp_path / "labels" / "00004.png", strange)

    with pytest.raises(InputError, match=r"00004\.png has id 77 at 3 pixels, .*labelIds 0 to 34"):
        load_domain("it", data_of(tmp_path, domain), "source")


def test_a_class_map_is_checked(tmp_path: Path) -> None:
    domain = TREES["folders"](tmp_path)

    with pytest.raises(
        ValueError, match=r"'rode' is no class, which is one of data.classes, by its .*; did you mean road\?"
    ):
        data_of(tmp_path, domain, classes={"rode": [1]})
    with pytest.raises(ValueError, match=r"gives the id 1 twice, to 'road' and to 'sky'"):
        data_of(tmp_path, domain, classes={"road": [1], "sky": [1]})
    with pytest.raises(
        InputError, match=r"shot0_mask\.png has id 0 at \d+ pixels, and others up to 9, .*the ids 1 that"
    ):
        names(data_of(tmp_path, domain, classes={"road": [1]}), "source")
    ignored = load_domain("it", data_of(tmp_path, domain, classes={"road": [1]}, unlisted="ignore"), "source")
    assert set(np.unique(ignored.labels)) == {0, 255}


def test_pictures_of_two_sizes_become_frames_of_one(tmp_path: Path) -> None:
    domain = TREES["gta5"](tmp_path)
    doubled = cv2.resize(picture(0), (2 * SIZE[1], 2 * SIZE[0]), interpolation=cv2.INTER_NEAREST)
    write(tmp_path / "images" / "00001.png", doubled)

    frames = load_domain("it", data_of(tmp_path, domain), "source")

    np.testing.assert_array_equal(frames.images[0], picture(0)[..., ::-1])
    assert len({frame.labels.shape for frame in labelled_frames("it", data_of(tmp_path, domain), "source")}) == 1


def test_files_that_other_systems_write_beside_images_are_left_alone(tmp_path: Path) -> None:
    domain = TREES["cityscapes"](tmp_path)
    (tmp_path / "leftImg8bit/train/aachen/._aachen_000000_000019_leftImg8bit.png").write_bytes(b"resource fork")

    assert len(names(data_of(tmp_path, domain), "source")) == 2 * CITY_FRAMES


def test_labels_are_handed_out_as_large_as_they_are(tmp_path: Path) -> None:
    data = data_of(tmp_path, TREES["cityscapes"](tmp_path)).model_copy(update={"size": (24, 48)})

    frame = next(iter(labelled_frames("it", data, "test")))

    assert frame.name == "lindau/lindau_000000_000019"
    assert frame.image.shape == (24, 48, 3)
    assert frame.labels.shape == SIZE


def test_the_recipe_drives_ten_rounds_over_all_of_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    TREES["cityscapes"](tmp_path / "clear")
    TREES["acdc"](tmp_path / "acdc")
    monkeypatch.setenv("SEGADA_CITYSCAPES", str(tmp_path / "clear"))
    monkeypatch.setenv("SEGADA_ACDC", str(tmp_path / "acdc"))

    settings = load_run_settings(str(resources.files("segada") / "recipes" / "cotta_acdc.yaml"))

    assert settings.stream.all_visits() == ("fog", "night", "rain", "snow") * 10
    assert settings.stream.batch_size == 1
    assert settings.stream.frames is None
    assert count_frames("fog", settings.data, "adapt") == 24
    assert count_frames("night", settings.data, "test") == 6
    assert count_frames("clear", settings.data, "test") == CITY_FRAMES
