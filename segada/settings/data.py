"""The domains of a run and how the frames of each are split."""

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from segada.errors import InputError
from segada.settings.base import Count, PathText, Settings
from segada.settings.camvid import CamVidDomain
from segada.settings.class_sets import CITYSCAPES, IGNORED, ClassSet
from segada.settings.coco import CocoDomain
from segada.settings.domains import (
    AcdcDomain,
    CityscapesDomain,
    CodeDomain,
    FoggyCityscapesDomain,
    FoldersDomain,
    Gta5Domain,
    RainyCityscapesDomain,
    ShiftDomain,
    StreetsDomain,
    SynthiaDomain,
)
from segada.settings.loading import LoadingSettings
from segada.settings.named_kinds import Kinds
from segada.settings.schema import nearest
from segada.settings.video import VideoDomain

DomainSettings = Annotated[
    StreetsDomain
    | CamVidDomain
    | CityscapesDomain
    | RainyCityscapesDomain
    | FoggyCityscapesDomain
    | AcdcDomain
    | ShiftDomain
    | Gta5Domain
    | SynthiaDomain
    | CocoDomain
    | FoldersDomain
    | VideoDomain
    | CodeDomain,
    Kinds("dataset"),
]
RENDERED: Final = (StreetsDomain, RainyCityscapesDomain, FoggyCityscapesDomain, ShiftDomain, Gta5Domain, SynthiaDomain)
"""Data sets whose frames, or the weather on them, are computed."""


def is_rendered(domain: DomainSettings) -> bool:
    """Returns True if the frames of a domain, or the weather on them, are computed and not photographed."""
    return isinstance(domain, RENDERED) or domain.weather != "clear"


def _default_domains() -> dict[str, DomainSettings]:
    weathers = ("clear", "25mm", "50mm", "75mm", "100mm", "200mm", "fog750m", "fog375m", "fog150m", "fog75m", "night")
    return {weather: StreetsDomain(weather=weather) for weather in weathers}


class SplitSettings(Settings):
    """Number of frames of a domain in each split; the four splits never share a frame.

    Procedural domains render exactly these numbers. Recorded domains hold a fixed number of frames; they are divided
    into contiguous blocks of the recording, and the numbers here are upper limits.
    """

    source: Count = 500
    """Labelled frames of the source domain, used for pre-training and replay."""
    adapt: Count = 720
    """Unlabelled frames of a visited domain, used for adaptation."""
    val: Count = 40
    """Held-out frames that a search may be scored on."""
    test: Count = 80
    """Held-out frames that only confirmations and published figures are scored on."""


Side = Annotated[int, Field(ge=1, le=8192)]
"""Side of a frame, in pixels; the upper limit is above the resolution of every car camera."""


class DataSettings(Settings):
    """The frames of a run."""

    size: Annotated[tuple[Side, Side], Field(strict=False)] = (64, 128)
    """Height and width, in pixels, of the frames that the network gets."""
    root: PathText | None = None
    """Folder of recorded data sets; `${NAME:-default}` reads an environment variable."""
    classes: ClassSet = CITYSCAPES
    """Classes that the network tells apart: a published set by name (`cityscapes`, `camvid`, `voc`, `ade20k`), a list
    of names, a set with colors and ids, or the path of a YAML or JSON file with one."""
    domains: dict[str, DomainSettings] = Field(default_factory=_default_domains, min_length=1)
    """Settings of each domain, by the name that the stream and the report use."""
    splits: SplitSettings = SplitSettings()
    loading: LoadingSettings = LoadingSettings()

    @model_validator(mode="after")
    def _mapped_classes_are_known(self) -> Self:
        meanings = self.classes.meanings()
        for name, domain in self.domains.items():
            mapped = domain.classes if isinstance(domain, CocoDomain | FoldersDomain) else {}
            unknown = next((one for one in mapped if one not in meanings), None)
            if unknown is not None:
                raise InputError(
                    f"{unknown!r} is no class, which is one of data.classes, by its name or its number from 0, or "
                    f"{IGNORED}; {nearest(unknown, meanings)}",
                    ("domains", name, "classes", unknown),
                )
        return self
