"""COCO annotations in a folder: the files, the folders of their images, parts and domains."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from segada.data.datasets.coco import BACKGROUND, CocoFile, read_coco
from segada.data.discovery.name_words import Part, part_of, pieces
from segada.data.discovery.recognized import Recognized, domain_settings
from segada.settings.class_sets import IGNORED, MOST_CLASSES, ClassSet, plain

DEEPEST: Final = 3
"""Number of folders below the root in which annotations are searched."""
MOST_BYTES: Final = 2**30
MARKS: Final = (b'"images"', b'"annotations"', b'"categories"')
"""Texts of every file of annotations."""
TRIED: Final = 5
"""Number of images that are looked for in a folder."""


@dataclass(frozen=True)
class _Annotations:
    """Annotations with their images.

    Attributes:
        file: The annotations.
        path: Path of the file below the root.
        images: Folder below the root from which the names of the images begin.
        part: Part of the data set that the path names.
        domain: Other words of the path.
    """

    file: CocoFile
    path: str
    images: str
    part: Part | None
    domain: tuple[str, ...]


def coco_sets(root: Path) -> list[Recognized]:
    """Returns the data set of all COCO annotations in a folder whose images are there; none if there are none."""
    found = list(_annotations(root))
    by_domain: dict[tuple[str, ...], list[_Annotations]] = defaultdict(list)
    for one in found:
        by_domain[one.domain].append(one)
    names = _names(root, list(by_domain))
    classes = _classes([one.file for one in found])
    if classes is None:
        return []
    domains, notes = {}, [f"classes are the categories; pixels without annotation are {_background(classes)}"]
    for name, files in zip(names, by_domain.values(), strict=True):
        order = sorted(files, key=lambda one: ("train", None, "val", "test").index(one.part))
        domains[name] = domain_settings(_settings(order))
        notes += [f"{one.path} is left out; a domain has one held-out file" for one in order[2:]]
    return [Recognized("coco", root, domains, classes, notes)]


def _annotations(root: Path) -> Iterator[_Annotations]:
    """Yields the annotations of a folder that have images, those without a single annotation last of all left out."""
    for path in sorted(path for depth in range(DEEPEST) for path in root.glob(f"{'*/' * depth}*.json")):
        file = _read(path)
        images = None if file is None or not file.annotations else _images(root, path, file)
        if file is not None and images is not None:
            below = path.relative_to(root)
            words = pieces((*below.parts[:-1], below.stem.removesuffix(".coco")))
            part = next((part for word in words if (part := part_of(word)) is not None), None)
            rest = tuple(word for word in words if part_of(word) is None)
            yield _Annotations(file, str(below), images, part, rest)


def _read(path: Path) -> CocoFile | None:
    """Returns the annotations in a file; None if it holds something else."""
    if path.stat().st_size > MOST_BYTES:
        return None
    content = path.read_bytes()
    if not all(mark in content for mark in MARKS):
        return None
    try:
        return read_coco(path)
    except ValueError:
        # Captions and boxes have no segmentation.
        return None


def _images(root: Path, path: Path, file: CocoFile) -> str | None:
    """Returns the folder of the images below the root: beside the file, above it, or one named as a part is."""
    names = list(file.images)[:TRIED]
    above = [path.parent, *(folder for folder in path.parent.parents if folder == root or root in folder.parents)]
    inside = sorted(folder for depth in (1, 2) for folder in root.glob("*/" * depth) if folder.is_dir())
    named = sorted(inside, key=lambda folder: part_of(folder.name) != part_of(path.stem.split("_")[-1]))
    folder = next((one for one in (*above, *named) if any((one / name).is_file() for name in names)), None)
    return None if folder is None else str(folder.relative_to(root))


def _names(root: Path, keys: Sequence[tuple[str, ...]]) -> list[str]:
    """Returns a name for each domain, made of the words in which the paths of its files differ from the others'."""
    shared = {word for word in (keys[0] if keys else ()) if all(word in key for key in keys)}
    texts = ["_".join(word for word in key if word not in shared and word.strip("/_-. ")) for key in keys]
    own = root.resolve().name or "coco"
    return [text or own for text in texts]


def _settings(files: Sequence[_Annotations]) -> Mapping[str, object]:
    first = files[0]
    values: dict[str, object] = {"dataset": "coco", "annotations": first.path, "images": first.images}
    if len(files) > 1:
        values["held_out_annotations"] = files[1].path
        if files[1].images != first.images:
            values["held_out_images"] = files[1].images
    return values


def _background(classes: ClassSet) -> str:
    return next(name for name in classes.names if plain(name) == BACKGROUND)


def _classes(files: Sequence[CocoFile]) -> ClassSet | None:
    """Returns the categories of all files, behind a background; None if they are none or too many."""
    names = list(dict.fromkeys(name for file in files for name in file.categories.values() if name != IGNORED))
    if not any(plain(name) == BACKGROUND for name in names):
        names = [BACKGROUND, *names]
    usable = files and len(names) <= MOST_CLASSES and all(names)
    return ClassSet(names=tuple(names)) if usable else None
