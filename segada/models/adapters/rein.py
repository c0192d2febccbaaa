"""Rein (Wei et al. 2024, arXiv 2312.04265): learned tokens refine the features that each block passes on."""

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from segada.models.encoders.transformer_block import TransformerBlock
from segada.settings.adapter import ReinSettings

PATCH: Final = 16
"""Side of a patch in the bound of the tokens' initialization."""


def insert_reins(blocks: Sequence[TransformerBlock], settings: ReinSettings, generator: torch.Generator) -> None:
    """Inserts tokens behind every block; blocks of one width share their linear maps, which the first of them owns."""
    shared: dict[int, ReinMaps] = {}
    for block in blocks:
        owned = None
        if block.width not in shared:
            owned = shared[block.width] = ReinMaps(block.width, generator)
        block.behind = Rein(settings.tokens, settings.rank, shared[block.width], owned, generator)


class ReinMaps(nn.Module):
    """Linear maps of tokens and of features [..., C] that several blocks share.

    The map of features starts at zero, as with `zero_mlp_delta_f` of the authors' code: features are unchanged until it
    has learned.
    """

    def __init__(self, width: int, generator: torch.Generator) -> None:
        super().__init__()
        self.width = width
        self.of_tokens = nn.Linear(width, width, device="meta").to_empty(device="cpu")
        self.of_features = nn.Linear(width, width, device="meta").to_empty(device="cpu")
        nn.init.kaiming_uniform_(self.of_tokens.weight, a=math.sqrt(5), generator=generator)
        nn.init.uniform_(self.of_tokens.bias, -(width**-0.5), width**-0.5, generator=generator)
        nn.init.zeros_(self.of_features.weight)
        nn.init.zeros_(self.of_features.bias)


class Rein(nn.Module):
    """Refinement map_f(S[1:] map_t(T[1:]) + f) of features f [..., C] by m tokens T = A B, with S = softmax(f T^T /
    sqrt(C)).

    The first token only takes a share of the softmax, as in the authors' code, so that features need not attend to any.
    Deviations: the authors refine patches alone, here the tokens of class and registers are refined, too; they also
    link their tokens to the queries of Mask2Former, which is not among the heads here.

    Args:
        tokens: m.
        rank: Rank of the tokens' matrix.
        shared: Maps of this block's width.
        owned: The same maps, if this block is the one whose parameters they are; None otherwise.
        generator: Generator of the initialization.
    """

    def __init__(
        self, tokens: int, rank: int, shared: ReinMaps, owned: ReinMaps | None, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.empty(tokens, rank))
        self.up = nn.Parameter(torch.empty(rank, shared.width))
        bound = math.sqrt(6.0 / (3 * PATCH**2 + math.sqrt(shared.width * rank)))
        for parameter in (self.down, self.up):
            nn.init.uniform_(parameter, -bound, bound, generator=generator)
        self.maps = owned
        # In a tuple the maps are no parameters of this module: each is named, saved and trained once.
        self._shared = (shared,)

    def forward(self, x: Tensor) -> Tensor:
        (maps,) = self._shared
        tokens = self.down @ self.up
        attention = (x @ tokens.T * maps.width**-0.5).softmax(dim=-1)
        refined: Tensor = maps.of_features(attention[..., 1:] @ maps.of_tokens(tokens[1:]) + x)
        return refined
