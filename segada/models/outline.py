"""Names and shapes of a network with given facts, to compare a file's tensors with before a network is built."""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from segada.core.named_code import is_code
from segada.models.encoders.base import Encoder
from segada.models.encoders.mix_transformer import MixTransformer
from segada.models.encoders.timm_encoder import build_timm_encoder
from segada.models.heads.base import Head
from segada.models.heads.registry import HEADS
from segada.settings.architectures import MIX_TRANSFORMERS, TIMM

_CODE: Final = (
    "its {part} is code, {name}, which is imported only if settings name it; give those of its run where they are taken"
)


def outline(facts: Mapping[str, str]) -> dict[str, Tensor]:
    """Returns tensors by name, as `storable` does; most have a shape and no values.

    Args:
        facts: Facts of a checkpoint; the head is included if they name one.

    Raises:
        ValueError: There is no encoder or head of this name, or it is code, which no checkpoint lets run.
    """
    encoder = _encoder(facts.get("encoder", ""))
    modules: dict[str, torch.nn.Module] = {"encoder": encoder}
    if "head" in facts:
        modules["head"] = _head(facts, encoder)
    return {
        f"{word}.{name}": tensor
        for word, module in modules.items()
        for name, tensor in module.state_dict().items()
        if not name.endswith("_extra_state")
    }


def _head(facts: Mapping[str, str], encoder: Encoder) -> Head:
    if is_code(facts["head"]):
        raise ValueError(_CODE.format(part="head", name=facts["head"]))
    head, width, classes = (facts.get(name, "") for name in ("head", "width", "classes"))
    if head not in HEADS or not (width.isdecimal() and classes.isdecimal()):
        raise ValueError(f"its head is {head} of width {width} for {classes} classes, which no setting builds")
    with torch.device("meta"):
        return HEADS[head](encoder.channels, int(width), int(classes))


def _encoder(name: str) -> Encoder:
    if is_code(name):
        raise ValueError(_CODE.format(part="encoder", name=name))
    if name in MIX_TRANSFORMERS:
        with torch.device("meta"):
            return MixTransformer(MIX_TRANSFORMERS[name], 0.0, torch.Generator())
    if name.startswith(TIMM):
        return build_timm_encoder(name.removeprefix(TIMM), 0.0, torch.Generator(), torch.Generator())
    if name:
        raise ValueError(f"its encoder is {name}, which no setting builds")
    raise ValueError(
        "its tensors do not tell the name of its encoder; a run reads a plain vision transformer with the name in "
        "model.encoder, such as timm/vit_tiny_patch16_224, and writes it in this project's format"
    )
