"""Multi-head cross-attention (Vaswani et al. 2017, arXiv 1706.03762): each query sees all pixels of all maps."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from segada.models.adapters.initialization import filled


class CrossAttention(nn.Module):
    """Attention of tokens to the pixels of maps, without a notion of place.

    The layers are those of a Mix Transformer's attention, with keys and values of the maps. The cost grows with the
    number of tokens times that of pixels, where deformable attention samples a few points for each token.

    Args:
        width: C, of tokens and maps.
        heads: Number of heads, a divisor of C.
        generator: Generator of the initialization.

    Raises:
        ValueError: The heads do not divide the width.
    """

    def __init__(self, width: int, heads: int, generator: torch.Generator) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads of a cross-attention must divide its width of {width}")
        self.heads = heads
        with torch.device("meta"):
            self.q, self.kv, self.proj = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)
        filled(self, generator)

    def forward(self, tokens: Tensor, memory: Tensor, shapes: Sequence[tuple[int, int]]) -> Tensor:  # noqa: ARG002
        """Computes softmax(q k^T / sqrt(C / heads)) v for each token.

        Args:
            tokens: [B, H, W, C].
            memory: [B, S, C], the pixels of all maps.
            shapes: Shapes of the maps, of which this attention takes no notice.

        Returns:
            [B, H, W, C].
        """
        queries = self._by_head(self.q(tokens.flatten(1, 2)))
        keys, values = (self._by_head(part) for part in self.kv(memory).chunk(2, dim=-1))
        seen = functional.scaled_dot_product_attention(queries, keys, values)
        output: Tensor = self.proj(seen.transpose(1, 2).flatten(2))
        return output.view(tokens.shape)

    def _by_head(self, x: Tensor) -> Tensor:
        """Returns [B, heads, N, C / heads] from [B, N, C]."""
        batch, length, width = x.shape
        return x.reshape(batch, length, self.heads, width // self.heads).transpose(1, 2)
