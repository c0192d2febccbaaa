"""Small data sets in the published layouts with reproducible bytes: the inputs of a recording."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[Any]

SIZE: Final = (48, 96)
"""Height and width of every picture."""
LABEL_IDS: Final = (7, 8, 11, 21, 23, 26, 33, 4)
"""Ids of Cityscapes: road, sidewalk, building, vegetation, sky, car, bicycle, static (ignored)."""
TRAIN_IDS: Final = (0, 1, 2, 8, 10, 13, 18, 255)
"""The same as train ids."""
ACDC_CONDITIONS: Final = ("fog", "night", "rain", "snow")
SHIFT_CONDITIONS: Final = ("clear", "cloudy", "overcast", "small_rain", "mid_rain", "heavy_rain")
RECORDINGS: Final = {"train": ("aachen", "bochum", "ulm", "zurich"), "val": ("frankfurt", "lindau")}
FRAMES: Final = 5
"""Frames of each recording."""


def write_inputs(root: Path) -> None:
    """Writes a folder for each data set, named after it."""
    _write_cityscapes(root / "cityscapes")
    _write_weather(root / "weather")
    _write_acdc(root / "acdc")
    _write_shift(root / "shift")
    _write_unparted(root)
    _write_folders(root / "folders")
    _write_camvid(root / "camvid")
    _write_waste(root / "waste")


def _write_cityscapes(root: Path) -> None:
    for part, name, number in _frames():
        _write(root / f"leftImg8bit/{part}/{name}_leftImg8bit.png", _picture(number))
        _write(root / f"gtFine/{part}/{name}_gtFine_labelIds.png", _stripes(number, LABEL_IDS))
        _write(root / f"disparity/{part}/{name}_disparity.png", _depth(number, 12000))


def _write_weather(root: Path) -> None:
    """Writes renderings in rain and fog, named like renamed copies of the published folders."""
    for part, name, number in _frames():
        rain = "rainy_image/" if part == "train" else ""
        _write(root / f"pictures/{part}/rain/50mm/{rain}{name}_leftImg8bit.png", _picture(number + 1000))
        _write(root / f"pictures/{part}/fog/150m/{name}_leftImg8bit.png", _picture(number + 2000))
        _write(root / f"leftImg8bit_foggy/{part}/{name}_leftImg8bit_foggy_beta_0.02.png", _picture(number + 3000))
        _write(root / f"truth/ids/{part}/{name}_gtFine_labelTrainIds.png", _stripes(number, TRAIN_IDS))


def _write_acdc(root: Path) -> None:
    for part, name, number in _frames():
        for place, condition in enumerate(ACDC_CONDITIONS):
            seed = number + 4000 + 200 * place
            _write(root / f"rgb_anon/{condition}/{part}/{name}_rgb_anon.png", _picture(seed))
            _write(root / f"gt/{condition}/{part}/{name}_gt_labelTrainIds.png", _stripes(seed, TRAIN_IDS))


def _write_shift(root: Path) -> None:
    for part, name, number in _frames():
        for place, condition in enumerate(SHIFT_CONDITIONS):
            seed, folder = number + 6000 + 200 * place, root / f"discrete/images/{part}/front/{condition}-daytime"
            ids = _stripes(seed, (7, 8, 1, 9, 13, 10, 6, 19))
            _write(folder / f"imgs/{name}_img_front.jpg", _picture(seed))
            # Blue, green, red, opacity: the first channel of the file is red.
            _write(folder / f"semsegs/{name}_semseg_front.png", np.dstack([ids * 0 + 77, ids * 0, ids, ids * 0 + 255]))


def _write_unparted(root: Path) -> None:
    """Writes GTA5 and SYNTHIA: frames without recordings."""
    for number in range(40):
        _write(root / f"gta5/images/{number + 1:05}.png", _picture(number + 8000))
        _write(root / f"gta5/labels/{number + 1:05}.png", _stripes(number + 8000, LABEL_IDS))
        classes = _stripes(number + 9000, (3, 4, 2, 6, 1, 8, 11, 22)).astype(np.uint16)
        _write(root / f"synthia/RGB/{number:07}.png", _picture(number + 9000))
        _write(root / f"synthia/GT/LABELS/{number:07}.png", np.dstack([0 * classes, 300 + 0 * classes, classes]))


def _write_folders(root: Path) -> None:
    """Writes pictures in an arbitrary layout, with ids in the green channel and depth in centimetres."""
    for place, drive in enumerate(("dawn", "dusk", "held_out")):
        for frame in range(12):
            number = 10000 + frame + 20 * place
            ids = _stripes(number, (1, 2, 3, 4, 5, 6, 9, 0))
            _write(root / f"{drive}/camera/shot{frame}.jpg", _picture(number))
            _write(root / f"{drive}/masks/shot{frame}_mask.png", np.dstack([ids * 0, ids, ids * 0]))
            _write(root / f"{drive}/depth/shot{frame}.png", _depth(number, 3000))


def _write_camvid(root: Path) -> None:
    parts = {"train": ("0016E5", "0001TP"), "val": ("0016E5",)}
    for part, sequences in parts.items():
        for place, sequence in enumerate(sequences):
            for frame in range(16):
                number = 11000 + frame + 100 * place + 1000 * (part == "val")
                name = f"{sequence}_{frame + 100 * (part == 'val'):05}.png"
                _write(root / part / name, _picture(number))
                _write(root / f"{part}annot" / name, _stripes(number, (0, 1, 3, 4, 5, 8, 9, 11)))


def _write_waste(root: Path) -> None:
    """Writes pictures of a belt with COCO annotations, and of a sea with masks in colors."""
    for name, first in (("belt", 13000), ("later", 13500)):
        images, boxes = [], []
        for frame in range(16):
            _write(root / f"pictures/{name}{frame}.png", _picture(first + frame))
            images.append({"id": frame, "file_name": f"{name}{frame}.png", "height": SIZE[0], "width": SIZE[1]})
            for place, category in enumerate((5, 6, 9)):
                left, right = 30 * place, 30 * place + 24
                boxes.append(
                    {
                        "id": 3 * frame + place,
                        "image_id": frame,
                        "category_id": category,
                        "iscrowd": 0,
                        "segmentation": [[left, frame, right, frame, right, 30, left, 30]],
                    }
                )
        categories = [{"id": 5, "name": "flask"}, {"id": 6, "name": "can"}, {"id": 9, "name": "gull"}]
        content = {"images": images, "annotations": boxes, "categories": categories}
        (root / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    # Blue, green, red: water, bottle and net.
    colors = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
    for frame in range(12):
        _write(root / f"sea/{frame}.png", _picture(14000 + frame))
        _write(root / f"sea_masks/{frame}.png", colors[_stripes(14000 + frame, (0, 1, 2, 1, 0, 2, 1, 0))])


def _frames() -> Iterator[tuple[str, str, int]]:
    """Yields part, `aachen/aachen_000000_000019` and so on, and a number, of frames that come in two parts."""
    for part, recordings in RECORDINGS.items():
        for place, recording in enumerate(recordings):
            for frame in range(FRAMES):
                number = frame + FRAMES * place + 100 * (part == "val")
                yield part, f"{recording}/{recording}_{frame:06}_000019", number


def _picture(number: int) -> Pixels:
    """Returns a bright checkered picture, BGR, different for every number."""
    coarse = np.random.default_rng(number).integers(60, 220, (6, 12, 3), dtype=np.uint8)
    return np.repeat(np.repeat(coarse, SIZE[0] // 6, axis=0), SIZE[1] // 12, axis=1)


def _stripes(number: int, ids: Sequence[int]) -> Pixels:
    """Returns vertical stripes of all ids, in an order that depends on the number."""
    order = np.random.default_rng(number).permutation(np.repeat(ids, 3)).astype(np.uint8)
    return np.broadcast_to(np.repeat(order, SIZE[1] // len(order)), SIZE).copy()


def _depth(number: int, most: int) -> Pixels:
    """Returns 16-bit numbers up to `most`, some of them 0, which mark missing measurements."""
    coarse = np.random.default_rng(number).integers(0, most, (6, 12), dtype=np.uint16)
    coarse[coarse < most // 6] = 0
    return np.repeat(np.repeat(coarse, SIZE[0] // 6, axis=0), SIZE[1] // 12, axis=1)


def _write(path: Path, pixels: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), pixels):
        raise OSError(f"{path}: cannot be written")
