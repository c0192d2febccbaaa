"""Feature pyramids of timm's encoder: files under timm's names, and EfficientNets as `efficientnet_pytorch` names them.

Tensors are placed into stages by the network's own names. timm runs a model up to its last map, so that the rest of a
file (the classifier, the layers before it) is left out.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from torch import Tensor

from segada.models.formats.contents import Reading
from segada.models.preprocessing import IMAGENET, Preprocessing, scaled
from segada.settings.architectures import TIMM, timm_name

UNUSED: Final = "of layers after the last map"
REPEATS: Final = {16: (1, 2, 2, 3, 3, 4, 1), 23: (2, 3, 3, 4, 4, 5, 1), 26: (2, 3, 3, 5, 5, 6, 2)}
"""Blocks of each of the seven stages, by the number of all blocks: EfficientNet-B0 and Lite0, B1 and B2, B3."""
MODULES: Final = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
EXPANDED: Final = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_se_reduce": "se.conv_reduce",
    "_se_expand": "se.conv_expand",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
SEPARABLE: Final = {**EXPANDED, "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
"""Names in a block that does not expand its input."""


@dataclass(frozen=True, slots=True)
class TimmEncoderFacts:
    """Facts of an encoder of timm, for the reading of files.

    Attributes:
        names: Our name of each tensor of a pyramid, by timm's; empty for a plain vision transformer.
        preprocessing: Preprocessing of timm's own weights, for a file that states none.
    """

    names: Mapping[str, str]
    preprocessing: Preprocessing

    def placed(self, reading: Reading) -> Reading:
        """Returns a reading with the tensors that have timm's names under ours; of a file that has some, what no
        network of ours needs is left out.
        """
        if self.names.keys().isdisjoint(reading.tensors):
            return reading
        found = {self.names[name]: tensor for name, tensor in reading.tensors.items() if name in self.names}
        unused = {name: UNUSED for name in reading.tensors if name not in self.names}
        return replace(reading, tensors=found, left_out={**reading.left_out, **unused})


def timm_facts(encoder: str, own: Iterable[str]) -> TimmEncoderFacts | None:
    """Returns the facts of an encoder of timm; None of another one.

    Args:
        encoder: Encoder, as in `model.encoder`.
        own: Names of the segmentor's tensors.
    """
    if not encoder.startswith(TIMM):
        return None
    from timm.models import get_pretrained_cfg  # takes a second, and most networks need none of it

    name = timm_name(encoder)
    stated, where = get_pretrained_cfg(name), f"timm's configuration of {name}"
    preprocessing = IMAGENET if stated is None else scaled(stated.mean, stated.std, 1.0, "rgb", where)
    return TimmEncoderFacts(dict(_by_timms_names(own)), preprocessing)


def _by_timms_names(own: Iterable[str]) -> Iterable[tuple[str, str]]:
    """Yields timm's name and ours of each tensor of a pyramid, whose part `blocks_1_0` is `blocks.1.0` in a model."""
    for name in own:
        match = re.fullmatch(r"encoder\.stages\.\d+\.([a-z]\w*?)((?:_\d+)*)\.(.+)", name)
        if match is not None:
            yield f"{match[1]}{match[2].replace('_', '.')}.{match[3]}", name


def read_timm(tensors: Mapping[str, Tensor]) -> Reading:
    """Returns tensors of timm under timm's names, which `TimmEncoderFacts.placed` translates."""
    return Reading(tensors, no_head="it is of an encoder alone")


def read_efficientnet(tensors: Mapping[str, Tensor]) -> Reading:
    """Translates tensors of `efficientnet_pytorch` to timm's names.

    Raises:
        ValueError: The blocks are of no known EfficientNet.
    """
    numbers = {int(match[1]) for name in tensors if (match := re.match(r"_blocks\.(\d+)\.", name))}
    repeats = REPEATS.get(len(numbers))
    if repeats is None:
        raise ValueError(
            f"an EfficientNet with {len(numbers)} blocks is not known; known are those with "
            f"{', '.join(map(str, REPEATS))} (B0 and Lite0, B1 and B2, B3)"
        )
    places = [(stage, index) for stage, count in enumerate(repeats) for index in range(count)]
    return Reading({_timms_name(name, places, tensors): tensor for name, tensor in tensors.items()})


def _timms_name(name: str, places: list[tuple[int, int]], tensors: Mapping[str, Tensor]) -> str:
    match = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(.+)", name)
    if match is None:
        module, _, leaf = name.partition(".")
        return f"{MODULES.get(module, module)}.{leaf}"
    stage, index = places[int(match[1])]
    table = EXPANDED if f"_blocks.{match[1]}._expand_conv.weight" in tensors else SEPARABLE
    return f"blocks.{stage}.{index}.{table.get(match[2], match[2])}.{match[3]}"
