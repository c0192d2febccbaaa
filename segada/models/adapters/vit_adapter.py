"""ViT-Adapter (Chen et al. 2023, arXiv 2205.08534) on a Mix Transformer: a stem, an injector, and inputs of the head.

Of the paper's parts these are the spatial prior and one injector; there is no extractor and no level embedding.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import torch
from torch import Tensor, nn

from segada.models.adapters.cross_attention import CrossAttention
from segada.models.adapters.deformable_attention import DeformableAttention
from segada.models.adapters.initialization import filled, silent
from segada.models.adapters.spatial_prior import SpatialPrior
from segada.models.encoders.base import Guide
from segada.models.encoders.mix_block import BLOCK_EPS
from segada.models.encoders.mix_transformer import MixTransformer, Reader
from segada.models.encoders.tokens import as_tokens
from segada.settings.image_adapter import VitAdapterSettings

LEVELS = 3
"""Number of maps that the injector attends to: the coarsest, of strides 8, 16 and 32."""


ATTENTIONS: Final[Mapping[str, Callable[[int, int, int, torch.Generator], nn.Module]]] = {
    "deformable": lambda width, heads, points, generator: DeformableAttention(width, heads, LEVELS, points, generator),
    "cross": lambda width, heads, _, generator: CrossAttention(width, heads, generator),
}
"""Attentions by `image_adapter.attention`, from width, heads, points and generator."""


def place_vit_adapter(encoder: MixTransformer, settings: VitAdapterSettings, generator: torch.Generator) -> None:
    """Places the stem beside the encoder and, depending on the settings, an injector in a stage and the stem's layers
    for the head."""
    stage = encoder.stage(settings.stage)
    fed = encoder.channels if settings.feeds_head else ()
    encoder.reader = Stem(settings.stem_width, stage.width, fed, generator)
    if settings.inject:
        heads = next(stage.each_block()).attn.heads if settings.heads is None else settings.heads
        stage.prompt = Injector(stage.width, heads, settings.points, generator, settings.attention)


class Stem(Reader):
    """The maps of a spatial prior, each through a 1x1 convolution to one width.

    Args:
        prior: Width of the prior's first map.
        width: Width of the maps.
        fed: Widths of the encoder's feature maps, if the maps are added to them for the head. There are then four maps,
            each with a 1x1 convolution that starts at zero; otherwise there are three, of strides 8, 16 and 32.
        generator: Generator of the initialization.
    """

    def __init__(self, prior: int, width: int, fed: Sequence[int], generator: torch.Generator) -> None:
        super().__init__()
        self.prior = SpatialPrior(prior, 4, generator)
        used = self.prior.widths if fed else self.prior.widths[-LEVELS:]
        with torch.device("meta"):
            project = nn.ModuleList(nn.Conv2d(inputs, width, 1) for inputs in used)
            feed = nn.ModuleList(nn.Conv2d(width, channels, 1) for channels in fed)
        self.project, self.feed = filled(project, generator), filled(feed, generator)
        for layer in self.feed:
            assert isinstance(layer, nn.Conv2d)
            silent(layer)

    def forward(self, images: Tensor) -> Guide:
        maps = self.prior(images)[-len(self.project) :]
        return [layer(one) for layer, one in zip(self.project, maps, strict=True)]

    def fed(self, features: Sequence[Tensor], guide: Guide) -> list[Tensor]:
        """Returns the feature maps as inputs of the head: with the stem's maps added if it feeds the head."""
        if not len(self.feed):
            return list(features)
        return [feature + layer(one) for feature, layer, one in zip(features, self.feed, guide, strict=True)]


class Injector(nn.Module):
    """Injection gamma * attention(norm(tokens), norm(maps)), added to the tokens before the first block.

    `gamma`, one factor per channel, starts at zero: the tokens are unchanged until it has learned.

    Args:
        width: C, of tokens and maps.
        heads: Number of heads of the attention.
        points: Number of points that each head samples in each map, in a deformable attention.
        generator: Generator of the initialization.
        attention: Kind of the attention, a name in `ATTENTIONS`.
    """

    def __init__(
        self, width: int, heads: int, points: int, generator: torch.Generator, attention: str = "deformable"
    ) -> None:
        super().__init__()
        with torch.device("meta"):
            norms = nn.ModuleList(nn.LayerNorm(width, BLOCK_EPS) for _ in range(2))
        self.norm_tokens, self.norm_maps = filled(norms, generator)
        self.attention = ATTENTIONS[attention](width, heads, points, generator)
        self.gamma = nn.Parameter(torch.zeros(width))

    def forward(self, tokens: Tensor, guide: Guide) -> dict[int, Tensor]:
        maps = guide[-LEVELS:]
        memory = torch.cat([as_tokens(one).flatten(1, 2) for one in maps], dim=1)
        shapes = [(one.shape[-2], one.shape[-1]) for one in maps]
        return {0: self.gamma * self.attention(self.norm_tokens(tokens), self.norm_maps(memory), shapes)}
