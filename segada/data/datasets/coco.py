"""COCO annotations (Lin et al. 2014, arXiv 1405.0312): polygons and run-length masks of a JSON file, drawn as labels.

Annotations are drawn from the largest to the smallest, so that a small object on a large one is kept; of equal areas
the one with the greater id is on top. Crowds (`iscrowd: 1`) are drawn like any other object.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from pycocotools import mask as masks
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from segada.data.datasets.division import shared_out, shares_of_set
from segada.data.datasets.found_files import MissingFolder
from segada.data.datasets.frame_files import FrameFiles, Layout, Listing
from segada.data.datasets.left_out import MISSING_IMAGES
from segada.data.frames import Bytes
from segada.data.labels import IGNORE
from segada.data.splits import Split
from segada.settings.class_sets import IGNORED, ClassSet, plain
from segada.settings.coco import CocoDomain
from segada.settings.schema import nearest

BACKGROUND: Final = "background"
"""Name, in any case, of the class of pixels without annotation, unless settings name another."""
MOST_PIXELS: Final = 65536
"""Greatest width and height of an image."""
Mask: TypeAlias = npt.NDArray[np.uint8]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class _Image(_Part):
    id: int
    file_name: Annotated[str, Field(min_length=1)]
    width: Annotated[int, Field(ge=1, le=MOST_PIXELS)]
    height: Annotated[int, Field(ge=1, le=MOST_PIXELS)]


class _Category(_Part):
    id: int
    name: str


class _Rle(_Part):
    size: tuple[int, int]
    counts: list[int] | str


class _Annotation(_Part):
    id: int
    image_id: int
    category_id: int
    segmentation: list[list[float]] | _Rle
    area: float | None = None


class _Content(_Part):
    images: list[_Image]
    categories: list[_Category]
    annotations: list[_Annotation] = []


@dataclass(frozen=True)
class CocoFile:
    """Content of a file of annotations.

    Attributes:
        path: The file.
        images: Images by file name, in the order of the file.
        categories: Names of the categories by id.
        annotations: Annotations of an image, by its id.
    """

    path: Path
    images: Mapping[str, _Image]
    categories: Mapping[int, str]
    annotations: Mapping[int, Sequence[_Annotation]]


def read_coco(path: Path) -> CocoFile:
    """Reads a file of annotations, once for all that need it.

    Raises:
        ValueError: It is not JSON of this format, or an id is not known or occurs twice; the message names the entry.
    """
    status = path.stat()
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int, _size: int) -> CocoFile:
    try:
        content = _Content.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"] if part not in ("_Rle", "list[list[float]]"))
        raise ValueError(f"{path} is no file of COCO annotations: {where}: {first['msg']}") from None
    images, categories = {one.id: one for one in content.images}, {one.id: one.name for one in content.categories}
    if len(images) < len(content.images) or len(categories) < len(content.categories):
        raise ValueError(f"{path}: two images or two categories have one id; give each an id of its own")
    by_name = {one.file_name: one for one in content.images}
    if len(by_name) < len(images):
        raise ValueError(f"{path}: two images have one file_name; list each file once")
    by_image: dict[int, list[_Annotation]] = defaultdict(list)
    for one in content.annotations:
        if one.image_id not in images:
            raise ValueError(f"{path}: annotation {one.id} is of image {one.image_id}, which is not among its images")
        if one.category_id not in categories:
            raise ValueError(f"{path}: annotation {one.id} has category_id {one.category_id}, which is no category")
        by_image[one.image_id].append(one)
    return CocoFile(path, by_name, categories, by_image)


@dataclass(frozen=True)
class CocoLabels:
    """Annotations of an image, drawn in a set of classes.

    Attributes:
        file: File of the annotations.
        image: The image.
        numbers: Number of the class of every category id; 255 is ignored.
        background: Number of the class of pixels without annotation; 255 ignores them.
    """

    file: CocoFile
    image: _Image
    numbers: Mapping[int, int]
    background: int

    def identity(self) -> str:
        """Returns a text that is the same for images with the same map."""
        return f"coco {sorted(self.numbers.items())} {self.background}"

    def read(self, path: Path) -> Bytes:  # noqa: ARG002 - the file has been read
        """Draws the labels of the image, uint8 [H, W].

        Raises:
            ValueError: A polygon or mask is broken; the message names the annotation.
        """
        drawn = [(one, self._mask(one)) for one in self.file.annotations.get(self.image.id, ())]
        labels = np.full((self.image.height, self.image.width), self.background, np.uint8)
        for one, mask in sorted(drawn, key=lambda pair: (-_area(*pair), pair[0].id)):
            labels[mask > 0] = self.numbers[one.category_id]
        return labels

    def _mask(self, one: _Annotation) -> Mask:
        height, width = self.image.height, self.image.width
        problem = _problem(one, height, width)
        if problem:
            raise ValueError(f"{self.file.path}: annotation {one.id} of image {self.image.file_name} {problem}")
        if isinstance(one.segmentation, _Rle):
            counts = {"size": (height, width), "counts": _counts(one.segmentation)}
            packed = masks.frPyObjects(counts, height, width)
        else:
            packed = masks.merge(masks.frPyObjects(one.segmentation, height, width))
        mask: Mask = masks.decode(packed)
        return mask


def _problem(one: _Annotation, height: int, width: int) -> str:
    """Returns the reason why an annotation cannot be drawn; empty if it can."""
    shape = one.segmentation
    if isinstance(shape, _Rle):
        if shape.size != (height, width):
            return f"is a mask of {shape.size[0]} x {shape.size[1]}, but the image is {height} x {width}"
        counts = _counts(shape)
        if min(counts, default=0) < 0 or sum(counts) != height * width:
            return f"has counts of {sum(counts)} pixels, but the image has {height * width}"
        return ""
    if not shape:
        return "has no segmentation, only a box; draw it, or remove the annotation"
    broken = next((polygon for polygon in shape if len(polygon) < 6 or len(polygon) % 2), None)
    if broken is not None:
        return f"has a polygon of {len(broken)} numbers; three points or more are x, y pairs"
    # pycocotools walks along every edge, and ends the process where that does not fit into memory.
    far = next((side for polygon in shape for side in polygon if abs(side) > MOST_PIXELS), None)
    return "" if far is None else f"has a point at {far:g}, far outside the image of {height} x {width}"


def _counts(mask: _Rle) -> Sequence[int]:
    """Returns the lengths of the runs of a mask. Those of a compressed one are read here, since pycocotools does not
    say where they are too few, and leaves the other pixels undefined.

    Every character has five bits of a number and one that says whether more follow; from the fourth number on the
    difference to the last but one is stored.
    """
    if isinstance(mask.counts, list):
        return mask.counts
    runs, value, shift = list[int](), 0, 0
    for character in mask.counts:
        bits = ord(character) - ord("0")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            signed = value - (1 << shift) if bits & 16 else value
            runs.append(signed + runs[-2] if len(runs) > 2 else signed)
            value = shift = 0
    return runs


def _area(one: _Annotation, mask: Mask) -> float:
    return float(mask.sum()) if one.area is None else one.area


@dataclass(frozen=True)
class CocoIds:
    """Meaning of the categories of one image's annotations.

    Attributes:
        domain: Settings of the domain.
        file: File of the annotations.
        image: The image.
    """

    domain: CocoDomain
    file: CocoFile
    image: _Image

    def into(self, classes: ClassSet) -> CocoLabels:
        """Returns the labels in a set of classes.

        Raises:
            ValueError: A category is no class, or no class is called as the background is.
        """
        numbers = {number: self._number(number, name, classes) for number, name in self.file.categories.items()}
        return CocoLabels(self.file, self.image, numbers, self._background(classes))

    def _number(self, category: int, name: str, classes: ClassSet) -> int:
        given = next((own for own, ids in self.domain.classes.items() if category in ids), name)
        if given == IGNORED:
            return IGNORE
        number = classes.number(given)
        if number is None and self.domain.unlisted == "refuse":
            raise ValueError(
                f"{self.file.path}: category {category} is {given!r}, which is not in data.classes; give its id to a "
                f"class in classes, or ignore such with unlisted: ignore; {nearest(given, classes.names)}"
            )
        return IGNORE if number is None else number

    def _background(self, classes: ClassSet) -> int:
        if self.domain.background is None:
            return next((place for place, name in enumerate(classes.names) if plain(name) == BACKGROUND), IGNORE)
        number = classes.number(self.domain.background)
        if number is None:
            hint = nearest(self.domain.background, classes.names)
            raise ValueError(f"background is {self.domain.background!r}, which is not in data.classes; {hint}")
        return number


def _listing(domain: CocoDomain, root: Path, split: Split) -> Listing:
    """Lists the images of a split, in the order of the file, in blocks by `shares`."""
    apart = domain.held_out_annotations is not None and split in ("val", "test")
    path = root / (domain.held_out_annotations if apart and domain.held_out_annotations else domain.annotations)
    if not path.is_file():
        raise MissingFolder(f"no file {path}", domain.annotations)
    file = read_coco(path)
    names = _of_split(domain, list(file.images), split)
    folder = root / (domain.held_out_images if apart and domain.held_out_images else domain.images)
    places = {name: folder / name for name in names}
    there = [name for name, place in places.items() if place.is_file()]
    frames = tuple(
        FrameFiles(str(Path(name).with_suffix("")), places[name], path, CocoIds(domain, file, file.images[name]))
        for name in there
    )
    missing = tuple(places[name] for name in names if name not in set(there))
    return Listing(frames, (), {MISSING_IMAGES: missing} if missing else {})


def _of_split(domain: CocoDomain, names: list[str], split: Split) -> list[str]:
    shares = domain.shares if domain.held_out_annotations is None else shares_of_set(domain.shares, split)
    return shared_out(names, shares, domain.gap)[split]


def _recognize(_root: Path) -> Mapping[str, Mapping[str, object]]:
    """Returns nothing, since the names of the files are not fixed: `segada.data.discovery` looks for them."""
    return {}


COCO: Final = Layout(
    name="coco",
    expects="a JSON file of annotations (images, categories, annotations) and the image files that it names",
    example="${SEGADA_DATA:-/data}",
    listing=_listing,
    recognize=_recognize,
)
