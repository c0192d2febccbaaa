"""Files saved for each frame on request: probabilities, label maps, overlays."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import mmcv
import numpy as np
import safetensors.torch
import torch

from segada.core.atomic_io import write_bytes
from segada.data.datasets.domain_frames import LabelledFrame
from segada.data.frames import Bytes
from segada.data.labels import painted
from segada.evaluation.ensembling import Prediction
from segada.settings.class_sets import ClassSet

LABEL_IDS: Final = np.array((7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33), np.uint8)
"""Cityscapes label ids of the train ids 0 to 18, which the benchmark server requires."""
_SAFE: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Saved:
    """A frame of which files are saved.

    Attributes:
        frame: The frame.
        prediction: Its prediction.
        classes: Classes of the prediction.
    """

    frame: LabelledFrame
    prediction: Prediction
    classes: ClassSet


def probabilities_file(saved: Saved) -> bytes:
    """Returns `probabilities`, float16 [K, H, W], as safetensors."""
    probabilities = saved.prediction.probabilities
    assert probabilities is not None
    return safetensors.torch.save({"probabilities": probabilities.to(torch.float16).cpu().contiguous()})


def labels_png(saved: Saved) -> bytes:
    """Returns numbers of classes, counted from 0, as a PNG with one channel of eight bits."""
    return _png(saved.prediction.classes.cpu().numpy())


def label_ids_png(saved: Saved) -> bytes:
    """Returns Cityscapes label ids as a PNG with one channel of eight bits."""
    return _png(LABEL_IDS[saved.prediction.classes.cpu().numpy()])


def overlay_png(saved: Saved) -> bytes:
    """Returns a PNG: image and colors of the predicted classes blended half and half, at the labels' size."""
    height, width = saved.prediction.classes.shape
    image = mmcv.imresize(saved.frame.image, (width, height), interpolation="bilinear")
    mixed = cv2.addWeighted(image, 0.5, painted(saved.prediction.classes.cpu().numpy(), saved.classes), 0.5, 0.0)
    return _png(np.ascontiguousarray(mixed[..., ::-1]))


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file saved per frame.

    Attributes:
        suffix: Suffix of the files.
        content: Returns the content of a frame's file.
        soft: True if the content needs probabilities.
    """

    suffix: str
    content: Callable[[Saved], bytes]
    soft: bool = False


KINDS: Final[Mapping[str, Kind]] = {
    "soft": Kind(".safetensors", probabilities_file, soft=True),
    "labels": Kind(".png", labels_png),
    "label_ids": Kind(".png", label_ids_png),
    "overlays": Kind(".png", overlay_png),
}
"""Table of the kinds by their names on the command line, which are also the names of their folders."""


def keep(kinds: Sequence[str], folder: Path, domain: str, saved: Saved) -> None:
    """Writes `folder/KIND/DOMAIN/FRAME` for each kind."""
    for name in kinds:
        kind = KINDS[name]
        path = folder / name / safe_path(domain) / safe_path(saved.frame.name)
        write_bytes(path.with_name(path.name + kind.suffix), kind.content(saved))


def safe_path(name: str) -> Path:
    """Returns a relative path that stays below its folder on any file system; distinct names give distinct paths.

    A part that contains other characters than letters, digits, `.`, `_` and `-`, or begins with a dot, has them
    replaced and gets a prefix of the name's checksum appended.
    """
    return Path(*(_safe_part(part) for part in name.split("/")))


def _safe_part(part: str) -> str:
    if _SAFE.fullmatch(part):
        return part
    checksum = hashlib.sha256(part.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', part)}-{checksum}"


def _png(pixels: Bytes) -> bytes:
    done, encoded = cv2.imencode(".png", pixels)
    assert done
    return encoded.tobytes()
