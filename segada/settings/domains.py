"""Settings of a domain: one class for each data set, with the options that only it has."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from segada.settings.base import Count, Fraction, Number, PathText, Positive, Seed, Sequence, Settings
from segada.settings.class_sets import ClassSet
from segada.settings.file_pattern import misused, unequal
from segada.settings.named_kinds import CodeSettings

WeatherName = Annotated[str, Field(pattern=r"^(clear|night|[1-9]\d*mm|fog[1-9]\d*m)$")]
"""Weather: `clear`, rain in mm/h (`25mm`), fog by visibility in metres (`fog150m`) or `night`."""


def _usable(pattern: str) -> str:
    problem = misused(pattern)
    if problem is not None:
        raise ValueError(problem)
    return pattern


Pattern = Annotated[PathText, AfterValidator(_usable)]
"""Pattern of files below a folder: `*` is any part of a name, `**` any folders, `?` one character. The text that the
wildcards match is the key that pairs images with labels, in which each wildcard has its place. A suffix is found in any
case, `.PNG` as `.png`; `.*` at the end is the suffix of any picture and no part of the key."""


class Domain(Settings):
    """Settings that every domain has."""

    def has_labels(self, *, held_out: bool = False) -> bool:  # noqa: ARG002 - most have them everywhere
        """Returns True if its frames have labels: those of val and test if `held_out`, otherwise those of source and
        adapt."""
        return True


class StreetsDomain(Domain):
    """Procedural streets, rendered in one weather. The scenes are the same in every weather (paired domains)."""

    dataset: Literal["streets"] = "streets"
    weather: WeatherName = "clear"
    world: Seed = 0
    """Seed of the scenes: another number is another city."""


class RecordedDomain(Domain):
    """Settings that every data set stored in files has."""

    weather: WeatherName = "clear"
    """Weather that is rendered onto the images: by measured depth where the data set has depth that is read, otherwise
    by a depth estimated from the geometry of a street."""
    root: PathText | None = None
    """Folder of this domain's files, if it is not `data.root`."""


class CodeDomain(RecordedDomain, CodeSettings):
    """Frames that code of the user reads or makes."""

    role = "dataset"
    selector = "dataset"

    dataset: str


class PartedDomain(RecordedDomain):
    """Data set that is published in two parts, `train` and `val`, each in several recordings."""

    train: Literal["halves", "whole"] = "halves"
    """Use of the part `train`. `halves`: the first half of the recordings is the source split, the second half the
    adapt split. `whole`: all of it serves both splits, which is right for a domain that is either a source or visited,
    but not both."""
    test: Literal["half_of_val", "val"] = "half_of_val"
    """Use of the part `val`. `half_of_val`: half of its recordings are the split `val`, the others `test`. `val`: all
    of it is `test`, as in published figures, and the last tenth of `train` is the split `val`."""
    images: PathText | None = None
    """Folder of the images below the root; null takes the published name."""
    labels_root: PathText | None = None
    """Folder that contains the folder of the labels, if it is not the root."""
    labels: PathText | None = None
    """Folder of the labels below `labels_root`; null takes the published name."""


class CityscapesDomain(PartedDomain):
    """Cityscapes: German towns in fair weather."""

    dataset: Literal["cityscapes"]
    depth: Literal["if_present", "disparity", "geometric"] = "if_present"
    """Depth by which `weather` is rendered. `disparity`: the published disparity files, which must exist. `if_present`:
    these files where they exist, otherwise the estimate. `geometric`: the estimate."""


class RainyCityscapesDomain(PartedDomain):
    """Cityscapes with rendered rain (weather-augment); its labels are those of Cityscapes."""

    dataset: Literal["rainy_cityscapes"]
    rain: Count
    """Rain in mm/h, one of the rendered amounts: 25, 50, 75, 100, 200."""


class FoggyCityscapesDomain(PartedDomain):
    """Cityscapes with rendered fog; its labels are those of Cityscapes."""

    dataset: Literal["foggy_cityscapes"]
    visibility: Count | None = None
    """Visibility in metres, one of those rendered by weather-augment: 750, 375, 150, 75. Give either this or `beta`."""
    beta: Positive | None = None
    """Attenuation per metre, one of those in the official files: 0.005, 0.01, 0.02. Give either this or
    `visibility`."""

    @model_validator(mode="after")
    def _one_fog(self) -> Self:
        if (self.visibility is None) == (self.beta is None):
            raise ValueError(
                f"visibility is {self.visibility} and beta {self.beta}, but exactly one of them must be given: "
                "visibility in metres for the files of weather-augment, beta for the official ones"
            )
        return self


class AcdcDomain(PartedDomain):
    """ACDC: Swiss roads in adverse conditions."""

    dataset: Literal["acdc"]
    condition: Literal["fog", "night", "rain", "snow"]
    """Condition of the recordings."""


class ShiftDomain(PartedDomain):
    """SHIFT, discrete shifts, front camera: rendered towns, sorted into folders by weather and time of day."""

    dataset: Literal["shift"]
    condition: Literal["clear", "cloudy", "overcast", "small_rain", "mid_rain", "heavy_rain"]
    """Weather; only recordings by day are used."""


Shares = Annotated[tuple[Fraction, Fraction, Fraction, Fraction], Field(strict=False)]
UNLABELLED_SHARES: Final = (0.0, 0.8, 0.1, 0.1)
"""Default of `shares` for a domain without labels, which cannot be a source."""


def check_shares(shares: Shares) -> None:
    """Checks that shares add up to at most 1.

    Raises:
        ValueError: They add up to more.
    """
    if sum(shares) > 1.0 + 1e-9:
        raise ValueError(f"shares add up to {sum(shares):g}, but no frame can serve twice; 1 is all frames")


class SharedOutDomain(RecordedDomain):
    """Data set that is published as one set, without parts."""

    shares: Shares = (0.7, 0.1, 0.1, 0.1)
    """Shares of the recording that are the splits source, adapt, val and test, in this order and in contiguous blocks;
    0 leaves a split empty. They add up to at most 1."""
    gap: Number = 0
    """Least difference between the numbers of frames of one film in different splits. The number is that at the end of
    the text that tells files apart, the film the text before it. Frames of a split that are nearer to a split after it
    are left out. 0 leaves out none."""

    @model_validator(mode="after")
    def _no_more_than_all(self) -> Self:
        check_shares(self.shares)
        return self


class Gta5Domain(SharedOutDomain):
    """GTA5 (Playing for Data): frames of a game with the classes of Cityscapes."""

    dataset: Literal["gta5"]


class SynthiaDomain(SharedOutDomain):
    """SYNTHIA-RAND-CITYSCAPES: rendered streets with the classes of Cityscapes."""

    dataset: Literal["synthia"]


NO_DESCRIPTION: Final[Mapping[str, object]] = {
    "classes": {},
    "label_set": None,
    "labels_are": "ids",
    "unlisted": "refuse",
    "channel": None,
}
"""Settings of `FoldersDomain` that describe its label files, with their defaults."""


class FoldersDomain(SharedOutDomain):
    """Any images, with or without label files, found by patterns."""

    dataset: Literal["folders"]
    images: Pattern
    """Image files below the root, for instance `drive/*/rgb/*.jpg`."""
    labels: Pattern | None
    """Label files below the root, for instance `drive/*/ids/*_labels.png`. An image and a label file are a pair if
    their wildcards match the same text, so that both patterns have the same wildcards in the same order. Null: the
    images have no labels; the domain is adapted to and not scored, and `shares` is (0, 0.8, 0.1, 0.1) by default."""
    held_out_images: Pattern | None = None
    """Image files of the splits val and test, if they are stored apart; `images` are then the splits source and adapt,
    and `shares` divides each of the two sets."""
    held_out_labels: Pattern | None = None
    """Label files of `held_out_images`. They may have labels where `images` have none."""
    classes: dict[str, Sequence[Annotated[int, Field(ge=-(2**31), le=2**32 - 1)]]] = Field(default_factory=dict)
    """Ids in the label files that belong to each class; the keys are names of `data.classes`, their numbers from 0, or
    `ignore`. If empty, the files hold the ids of `label_set`, or of `data.classes`."""
    label_set: ClassSet | None = None
    """Set of classes that the files were labelled with, if it is not `data.classes`. Classes of the same name are
    matched, and the others ignored, unless `classes` says more."""
    labels_are: Literal["ids", "colors"] = "ids"
    """Content of the label files: ids, or the colors of the classes of `label_set`, or of `data.classes`."""
    unlisted: Literal["refuse", "ignore"] = "refuse"
    """Treatment of an id or color that belongs to no class. `refuse`: an error. `ignore`: its pixels count neither in
    losses nor in scores."""
    channel: Annotated[int, Field(ge=0, le=3)] | None = None
    """Channel, in the order red, green, blue, that holds the ids in label files of several channels; null refuses such
    files."""
    depth: Pattern | None = None
    """Depth files below the root, 16-bit PNGs in which 0 is unknown, paired in the same way as labels; null renders
    weather by the estimated depth."""
    depth_units: Positive = 256.0
    """Units of the depth files in a metre: 256 as in KITTI, 100 if they are centimetres."""

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_kept_for_a_source(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("labels", "") is None:
            return {"shares": UNLABELLED_SHARES, **values}
        return values

    @field_validator("classes")
    @classmethod
    def _ids_mean_one_class(cls, classes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
        meant: dict[int, str] = {}
        for name, ids in classes.items():
            for number in ids:
                if number in meant:
                    raise ValueError(
                        f"gives the id {number} twice, to {meant[number]!r} and to {name!r}; it can mean one class"
                    )
                meant[number] = name
        return classes

    @model_validator(mode="after")
    def _held_out_has_labels(self) -> Self:
        images, labels = self.held_out_images is not None, self.held_out_labels is not None
        if images != labels and (labels or self.labels is not None):
            raise ValueError(
                f"held_out_images is {self.held_out_images!r} and held_out_labels {self.held_out_labels!r}, but "
                "held-out frames need both; give both, or neither"
            )
        return self

    @model_validator(mode="after")
    def _nothing_describes_absent_labels(self) -> Self:
        described = [name for name, default in NO_DESCRIPTION.items() if getattr(self, name) != default]
        if described and self.labels is None and self.held_out_labels is None:
            raise ValueError(
                f"{described[0]} is given, but labels is null, so that there is nothing that it could describe; leave "
                f"{described[0]} out, or name the label files in labels"
            )
        return self

    def has_labels(self, *, held_out: bool = False) -> bool:
        """Returns True if its frames have labels."""
        return (self.held_out_labels if held_out and self.held_out_images is not None else self.labels) is not None

    @model_validator(mode="after")
    def _pairs_have_equal_wildcards(self) -> Self:
        named = {
            name: pattern
            for name in ("images", "labels", "held_out_images", "held_out_labels", "depth")
            if (pattern := getattr(self, name)) is not None
        }
        for pair in (
            ("images", "labels"),
            ("held_out_images", "held_out_labels"),
            ("images", "depth"),
            ("held_out_images", "depth"),
        ):
            problem = unequal({name: named[name] for name in pair}) if named.keys() >= {*pair} else None
            if problem is not None:
                raise ValueError(problem)
        return self
