"""The published sizes of Mix Transformers as plain data, so that settings are checked without torch."""

from dataclasses import dataclass

from segada.core.named_code import is_code
from segada.settings.named_kinds import checked_name
from segada.settings.schema import nearest


@dataclass(frozen=True, slots=True)
class Architecture:
    """The numbers of one Mix Transformer, one entry per stage."""

    widths: tuple[int, int, int, int]
    depths: tuple[int, int, int, int]
    heads: tuple[int, int, int, int] = (1, 2, 5, 8)
    reductions: tuple[int, int, int, int] = (8, 4, 2, 1)
    """Side of the square of tokens that the keys and values of a stage summarize."""
    head_width: int = 768
    """Embedding width of the head that was published with the encoder."""


WIDE = (64, 128, 320, 512)

MIX_TRANSFORMERS: dict[str, Architecture] = {
    "mit_tiny": Architecture((16, 32, 64, 96), (1, 1, 1, 1), heads=(1, 2, 4, 6), head_width=64),
    "mit_b0": Architecture((32, 64, 160, 256), (2, 2, 2, 2), head_width=256),
    "mit_b1": Architecture(WIDE, (2, 2, 2, 2), head_width=256),
    "mit_b2": Architecture(WIDE, (3, 4, 6, 3)),
    "mit_b3": Architecture(WIDE, (3, 4, 18, 3)),
    "mit_b4": Architecture(WIDE, (3, 8, 27, 3)),
    "mit_b5": Architecture(WIDE, (3, 6, 40, 3)),
}
"""B0 to B5 of the paper (Xie et al. 2021, arXiv 2105.15203), and a tiny one of this project."""

TIMM = "timm/"
"""Prefix of timm encoders; the rest is the name of the timm model, as in `timm/resnet18`."""
PYRAMID = "+pyramid"
"""Suffix of a plain vision transformer with a simple feature pyramid: `timm/vit_tiny_patch16_224+pyramid`."""
WITH_BLOCKS = (
    "mit_b0 to mit_b5, mit_tiny, or one like timm/vit_tiny_patch16_224, timm/pvt_v2_b0 or "
    "timm/swin_tiny_patch4_window7_224"
)
"""Encoders with transformer blocks, in a message."""
TIMM_HEAD_WIDTH = 256
"""Embedding width of the head on a timm encoder, for which no head was published."""


def check_encoder(name: str) -> str:
    """Returns the name of an encoder, code with an absolute path. Does not check that timm has a model of that name.

    Raises:
        ValueError: The name is no Mix Transformer and not of the form `timm/NAME`; the message suggests the nearest.
            Or it names code that is not an encoder.
    """
    if is_code(name):
        return checked_name("encoder", name)
    if name not in MIX_TRANSFORMERS and not (name.startswith(TIMM) and timm_name(name)):
        raise ValueError(f"there is no encoder {name!r}; {nearest(name, (*MIX_TRANSFORMERS, f'{TIMM}NAME'))}")
    return name


def timm_name(encoder: str) -> str:
    """Returns timm's name of the model of an encoder `timm/NAME`, with or without a pyramid."""
    return encoder.removeprefix(TIMM).removesuffix(PYRAMID)


def default_head_width(encoder: str) -> int:
    """Returns the embedding width of the head for a null `model.head_width`."""
    return MIX_TRANSFORMERS[encoder].head_width if encoder in MIX_TRANSFORMERS else TIMM_HEAD_WIDTH
