"""Explicit visual prompts (Liu et al. 2023, arXiv 2303.10883): high frequencies of the images, and the tokens."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from segada.models.adapters.initialization import filled, silent
from segada.models.encoders.base import Guide
from segada.models.encoders.mix_transformer import PATCHES, MixTransformer, PatchEmbedding, Reader
from segada.models.encoders.tokens import as_image, as_tokens
from segada.settings.image_adapter import HighFrequencySettings


def place_high_frequency(encoder: MixTransformer, settings: HighFrequencySettings, generator: torch.Generator) -> None:
    """Places the high-pass and its patch embeddings beside the encoder, down to the deepest chosen stage, and prompts
    in each chosen stage."""
    hidden = [width // settings.reduction for width in encoder.channels[: max(settings.stages) + 1]]
    encoder.reader = HighFrequencyReader(hidden, settings.frequency_share, generator)
    for index in sorted(settings.stages):
        stage = encoder.stage(index)
        stage.prompt = HighFrequencyPrompt(index, (stage.width, hidden[index]), len(stage.blocks), generator)


class HighFrequencyReader(Reader):
    """High frequencies of the images, passed through patch embeddings like the encoder's, one after the other.

    Args:
        widths: Widths of the maps of strides 4, 8, 16 and 32, as many as are needed.
        share: Share of the spectrum that is removed.
        generator: Generator of the initialization.
    """

    def __init__(self, widths: Sequence[int], share: float, generator: torch.Generator) -> None:
        super().__init__()
        self.share = share
        with torch.device("meta"):
            inputs = (3, *widths[:-1])
            patches = zip(inputs, widths, PATCHES[: len(widths)], strict=True)
            embeddings = nn.ModuleList(PatchEmbedding(one, width, *patch) for one, width, patch in patches)
        self.embeddings = filled(embeddings, generator)

    def forward(self, images: Tensor) -> Guide:
        maps, x = [], high_frequencies(images, self.share)
        for embedding in self.embeddings:
            x = as_image(embedding(x))
            maps.append(x)
        return maps


class HighFrequencyPrompt(nn.Module):
    """Prompts up(gelu(tune_i(embed(tokens) + map))), added to the tokens before block i, for each block of the stage.

    `up` is shared by all blocks and starts at zero, hence the prompts are exactly zero until it has learned.

    Args:
        stage: Stage, counted from 0, whose map of the guide is read.
        widths: Widths of the tokens and of the map.
        depth: Number of blocks of the stage.
        generator: Generator of the initialization.
    """

    def __init__(self, stage: int, widths: tuple[int, int], depth: int, generator: torch.Generator) -> None:
        super().__init__()
        self.stage = stage
        width, hidden = widths
        with torch.device("meta"):
            self.embed = nn.Linear(width, hidden)
            self.tune = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(depth))
            self.up = nn.Linear(hidden, width)
        filled(self, generator)
        silent(self.up)

    def forward(self, tokens: Tensor, guide: Guide) -> dict[int, Tensor]:
        seen = self.embed(tokens) + as_tokens(guide[self.stage])
        return {block: self.up(functional.gelu(tune(seen))) for block, tune in enumerate(self.tune)}


def high_frequencies(images: Tensor, share: float) -> Tensor:
    """Returns the absolute value of the images without their low frequencies.

    Removed is the box around frequency zero that has the spectrum's proportions and a share of its area: the
    frequencies below sqrt(share) / 2 cycles a pixel along both axes. The paper's code removes a square of that area,
    with as many rows as columns of the spectrum: the same for square images, but on wide ones less of the frequencies
    along x.

    Args:
        images: [B, 3, H, W].
        share: Share of the area, in [0, 1].

    Returns:
        The same shape.
    """
    height, width = images.shape[-2:]
    limit = share**0.5 / 2
    rows = torch.fft.fftfreq(height, device=images.device).abs() < limit
    columns = torch.fft.rfftfreq(width, device=images.device).abs() < limit
    spectrum = torch.fft.rfft2(images).masked_fill(rows[:, None] & columns, 0.0)
    passed: Tensor = torch.fft.irfft2(spectrum, s=(height, width))
    return passed.abs()
