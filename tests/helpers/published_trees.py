"""Small data sets in exactly the published naming, a few small pictures each."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from video_files import write_film

from segada.settings.class_sets import CITYSCAPES
from segada.settings.coco import CocoDomain
from segada.settings.data import DomainSettings
from segada.settings.domains import (
    AcdcDomain,
    CityscapesDomain,
    FoggyCityscapesDomain,
    FoldersDomain,
    Gta5Domain,
    RainyCityscapesDomain,
    ShiftDomain,
    SynthiaDomain,
)
from segada.settings.video import VideoDomain

Array = npt.NDArray[np.uint8]

SIZE = (48, 96)
"""Height and width of the pictures."""
CITIES = {"train": ("aachen", "bochum", "ulm", "zurich"), "val": ("frankfurt", "lindau")}
CITY_FRAMES = 6
"""Of each city."""
LABEL_IDS = (7, 8, 11, 21, 23, 26, 33, 4)
"""Of Cityscapes: road, sidewalk, building, vegetation, sky, car, bicycle, static (ignored)."""
TRAIN_IDS = (0, 1, 2, 8, 10, 13, 18, 255)
"""The same."""


def picture(number: int) -> Array:
    """A bright street of light and dark fields, BGR, that is like no other number's."""
    generator = np.random.default_rng(number)
    coarse = generator.integers(60, 220, (6, 12, 3), dtype=np.uint8)
    return cv2.resize(coarse, SIZE[::-1], interpolation=cv2.INTER_NEAREST)


def ids(number: int, values: Sequence[int]) -> Array:
    """Upright stripes of all ids, each two or more pixels wide, that are like no other number's."""
    places = np.random.default_rng(number).permutation(np.repeat(np.arange(len(values)), SIZE[1] // len(values) // 3))
    row = np.array(values, np.uint8)[np.repeat(np.resize(places, SIZE[1] // 3), 3)]
    return np.broadcast_to(row, SIZE).copy()


def write(path: Path, pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> None:
    """Colors in the order blue green red, as OpenCV has them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)


def write_indexed(path: Path, indices: Array) -> None:
    """A PNG with a palette of colors that tell nothing of the indices."""
    path.parent.mkdir(parents=True, exist_ok=True)
    indexed = Image.fromarray(indices)
    indexed.putpalette([(37 * index + 11) % 256 for index in range(768)])
    indexed.save(path)


def city_names(part: str) -> Iterable[str]:
    """`aachen/aachen_000000_000019` and so on."""
    for city in CITIES[part]:
        for frame in range(CITY_FRAMES):
            yield f"{city}/{city}_{frame:06}_000019"


def write_ground_truth(root: Path, kind: str = "labelIds") -> None:
    """`gtFine` with one kind of labels."""
    values = LABEL_IDS if kind == "labelIds" else TRAIN_IDS
    for part in CITIES:
        for number, name in enumerate(city_names(part)):
            write(root / "gtFine" / part / f"{name}_gtFine_{kind}.png", ids(number + 50 * (part == "val"), values))


def write_images(folder: str, root: Path, suffix: str = "_leftImg8bit.png") -> None:
    """Images of the cities; `{part}` in the folder is the part."""
    for part in CITIES:
        for number, name in enumerate(city_names(part)):
            write(root / folder.format(part=part) / f"{name}{suffix}", picture(number + 50 * (part == "val")))


def write_cityscapes(root: Path) -> DomainSettings:
    """With labelIds alone, as it is downloaded."""
    write_images("leftImg8bit/{part}", root)
    write_ground_truth(root)
    return CityscapesDomain(dataset="cityscapes")


def write_rainy_cityscapes(root: Path) -> DomainSettings:
    """`train` as it is downloaded, `val` as it is rendered, labels in another folder."""
    inner = {"train": "/rainy_image", "val": ""}
    for part in CITIES:
        for number, name in enumerate(city_names(part)):
            folder = root / f"weather/leftImg8bit/{part}/rain/50mm{inner[part]}"
            write(folder / f"{name}_leftImg8bit.png", picture(number + 50 * (part == "val")))
    write_ground_truth(root / "Cityscapes", "labelTrainIds")
    return RainyCityscapesDomain(
        dataset="rainy_cityscapes", rain=50, root=str(root / "weather"), labels_root=str(root / "Cityscapes")
    )


def write_foggy_cityscapes(root: Path) -> DomainSettings:
    """Both kinds of fog; the domain is that of a visibility."""
    write_images("leftImg8bit/{part}/fog/150m", root)
    for beta in ("0.005", "0.01", "0.02"):
        write_images("leftImg8bit_foggy/{part}", root, f"_leftImg8bit_foggy_beta_{beta}.png")
    write_ground_truth(root)
    return FoggyCityscapesDomain(dataset="foggy_cityscapes", visibility=150)


def write_acdc(root: Path) -> DomainSettings:
    """Fog and night; reference pictures in clear weather, which have no labels, beside them."""
    drives = {"train": ("GOPR0475", "GOPR0476", "GP010476", "GP020475"), "val": ("GOPR0477", "GOPR0478")}
    for part, names in drives.items():
        for place, name in enumerate(f"{drive}/{drive}_frame_{41 * frame:06}" for drive in names for frame in range(6)):
            number = place + 50 * (part == "val")
            for condition in ("fog", "night"):
                write(root / f"rgb_anon/{condition}/{part}/{name}_rgb_anon.png", picture(number))
                write(root / f"rgb_anon/{condition}/{part}_ref/{name}_rgb_ref_anon.png", picture(number))
                write(root / f"gt/{condition}/{part}/{name}_gt_labelTrainIds.png", ids(number, TRAIN_IDS))
    return AcdcDomain(dataset="acdc", condition="fog")


def write_shift(root: Path) -> DomainSettings:
    """Two kinds of weather; labels as they are published, the id in the first of four channels."""
    for part, drives in {"train": ("007b-4e72", "0aee-69fd", "1234-abcd"), "val": ("b4e1-0000", "c001-0000")}.items():
        names = [f"{drive}/{10 * frame:08}" for drive in drives for frame in range(6)]
        for number, name in enumerate(names):
            for weather in ("clear", "small_rain"):
                folder = root / f"discrete/images/{part}/front/{weather}-daytime"
                write(folder / "imgs" / f"{name}_img_front.jpg", picture(number + 50 * (part == "val")))
                stripes = ids(number + 50 * (part == "val"), (7, 8, 1, 9, 13, 10, 6, 19))
                others = np.full((*SIZE, 3), (77, 88, 255), np.uint8)
                # Blue, green, red, opacity: the first channel of the file is red.
                channels = np.dstack([others[..., 0], others[..., 1], stripes, others[..., 2]])
                write(folder / "semsegs" / f"{name}_semseg_front.png", channels)
    return ShiftDomain(dataset="shift", condition="small_rain")


def write_gta5(root: Path) -> DomainSettings:
    """Labels as indexed PNGs."""
    for number in range(60):
        write(root / "images" / f"{number + 1:05}.png", picture(number))
        write_indexed(root / "labels" / f"{number + 1:05}.png", ids(number, LABEL_IDS))
    return Gta5Domain(dataset="gta5")


def write_synthia(root: Path) -> DomainSettings:
    """Labels of three channels of 16 bits, the class in the first, the instance in the second."""
    for number in range(60):
        write(root / "RGB" / f"{number:07}.png", picture(number))
        classes = ids(number, (3, 4, 2, 6, 1, 8, 11, 22)).astype(np.uint16)
        write(root / "GT" / "LABELS" / f"{number:07}.png", np.dstack([0 * classes, 300 + 0 * classes, classes]))
    return SynthiaDomain(dataset="synthia")


def write_folders(root: Path) -> DomainSettings:
    """Drives with JPEGs and grayscale labels under other names; numbers without leading zeros."""
    for place, drive in enumerate(("dawn", "dusk", "noon")):
        for frame in range(20):
            number = frame + 20 * place
            write(root / drive / "camera" / f"shot{frame}.jpg", picture(number))
            write(root / drive / "masks" / f"shot{frame}_mask.png", ids(number, (1, 2, 3, 4, 5, 6, 9, 0)))
    return FoldersDomain(
        dataset="folders",
        images="*/camera/*.jpg",
        labels="*/masks/*_mask.png",
        classes={
            "road": (1,),
            "1": (2,),
            "building": (3, 9),
            "vegetation": (4,),
            "sky": (5,),
            "car": (6,),
            "ignore": (0,),
        },
    )


def write_coco(root: Path) -> DomainSettings:
    """Stripes of Cityscapes classes, each a rectangle in the file of the annotations."""
    images, annotations = [], []
    for number in range(40):
        write(root / "batch" / f"{number:04}.png", picture(number))
        images.append({"id": number, "file_name": f"batch/{number:04}.png", "height": SIZE[0], "width": SIZE[1]})
        for left, train_id in enumerate(ids(number, range(8))[0, ::4].tolist()):
            x, height = 4.0 * left, float(SIZE[0])
            box = [x, 0.0, x + 4, 0.0, x + 4, height, x, height]
            one = {"id": len(annotations), "image_id": number, "category_id": train_id + 1, "segmentation": [box]}
            annotations.append(one)
    categories = [{"id": number + 1, "name": name} for number, name in enumerate(CITYSCAPES.names)]
    content = {"images": images, "categories": categories, "annotations": annotations}
    (root / "all.json").write_text(json.dumps(content))
    return CocoDomain(dataset="coco", annotations="all.json", shares=(0.4, 0.2, 0.2, 0.2))


def write_films(root: Path) -> DomainSettings:
    """Two films, which have no labels."""
    for name in ("drive1", "drive2"):
        write_film(root / f"{name}.mp4", 30, seed=len(name) + int(name[-1]))
    return VideoDomain(dataset="video", file="*.mp4", shares=(0.25, 0.25, 0.25, 0.25))


TREES: dict[str, Callable[[Path], DomainSettings]] = {
    "cityscapes": write_cityscapes,
    "rainy_cityscapes": write_rainy_cityscapes,
    "foggy_cityscapes": write_foggy_cityscapes,
    "acdc": write_acdc,
    "shift": write_shift,
    "gta5": write_gta5,
    "synthia": write_synthia,
    "coco": write_coco,
    "folders": write_folders,
    "video": write_films,
}
"""Writes a data set below a folder, and says a domain that has frames for every purpose."""
