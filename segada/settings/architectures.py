"""The published sizes of Mix Transformers as plain data, so that settings are checked without torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Architecture:
    """The numbers of one Mix Transformer, a column per stage."""

    widths: tuple[int, int, int, int]
    depths: tuple[int, int, int, int]
    heads: tuple[int, int, int, int] = (1, 2, 5, 8)
    reductions: tuple[int, int, int, int] = (8, 4, 2, 1)
    """Side of the square of tokens that the keys and values of a stage summarise."""
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
"""B0 to B5 of the paper (Xie et al. 2021, arXiv 2105.15203), and a tiny one of ours."""
