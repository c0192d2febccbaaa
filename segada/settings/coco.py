"""Settings of a domain of images with COCO annotations."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from segada.settings.base import PathText
from segada.settings.domains import SharedOutDomain


class CocoDomain(SharedOutDomain):
    """Images with COCO annotations: polygons or run-length masks in a JSON file."""

    dataset: Literal["coco"]
    annotations: PathText
    """File of the annotations below the root: `train.json`."""
    images: PathText = "."
    """Folder below the root from which the file names of the images begin."""
    held_out_annotations: PathText | None = None
    """File of the annotations of the splits val and test, if they are stored apart; `annotations` are then the splits
    source and adapt, and `shares` divides each of the two sets."""
    held_out_images: PathText | None = None
    """Folder below the root from which the file names of `held_out_annotations` begin; null takes `images`."""
    classes: dict[str, Sequence[Annotated[int, Field(ge=0, le=65535)]]] = Field(default_factory=dict)
    """Category ids that belong to each class of `data.classes`, or to `ignore`; a category that is not listed belongs
    to the class of its name."""
    unlisted: Literal["refuse", "ignore"] = "refuse"
    """Treatment of a category that is no class. `refuse`: an error. `ignore`: its pixels count neither in losses nor in
    scores."""
    background: str | None = None
    """Class of pixels without annotation; null takes the class called background, and ignores such pixels if there is
    none."""

    @model_validator(mode="after")
    def _held_out_images_have_annotations(self) -> Self:
        if self.held_out_images is not None and self.held_out_annotations is None:
            raise ValueError(
                f"held_out_images is {self.held_out_images!r}, but held_out_annotations is not given; give the "
                "file that names these images, or leave held_out_images out"
            )
        return self
