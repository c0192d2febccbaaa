"""The transformer block of a Mix Transformer: efficient attention, an MLP with a convolution, slots for adapters."""

from torch import Tensor, nn
from torch.nn import functional

from segada.models.encoders.drop_path import DropPath
from segada.models.encoders.tokens import as_image, as_tokens

MLP_RATIO = 4
BLOCK_EPS = 1e-6
PATCH_EPS = 1e-5
"""Epsilon of layer norms after a convolution; all others have `BLOCK_EPS`, as in the training of the published
weights."""


class Block(nn.Module):
    """Attention and MLP over tokens [B, H, W, C], each after a norm and with a residual; a `TransformerBlock`."""

    before: nn.Module | None
    parallel: nn.Module | None
    after: nn.Module | None
    behind: nn.Module | None

    def __init__(self, width: int, heads: int, reduction: int, drop_path: DropPath) -> None:
        super().__init__()
        self.width = width
        self.norm1 = nn.LayerNorm(width, BLOCK_EPS)
        self.attn = Attention(width, heads, reduction)
        self.norm2 = nn.LayerNorm(width, BLOCK_EPS)
        self.mlp = Mlp(width)
        self.drop_path = drop_path
        for slot in ("before", "parallel", "after", "behind"):
            self.register_module(slot, None)

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """Widths of input and output of the linear layers of the attention."""
        return {"q": (self.width, self.width), "kv": (self.width, 2 * self.width), "proj": (self.width, self.width)}

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path(self.attn(self.norm1(x)))
        normed = self.norm2(x)
        update = self.mlp(_updated(normed, self.before, normed))
        update = _updated(update, self.after, update)
        tokens: Tensor = x + self.drop_path(_updated(update, self.parallel, normed))
        return _updated(tokens, self.behind, tokens)


def _updated(x: Tensor, slot: nn.Module | None, seen: Tensor) -> Tensor:
    return x if slot is None else x + slot(seen)


class Attention(nn.Module):
    """Attention of every token to a grid of tokens that is coarser by `reduction` along each side.

    Its slots `q_update`, `kv_update` and `proj_update` have the input of the linear layer of that name, and their
    output is added to the layer's output.
    """

    q_update: nn.Module | None
    kv_update: nn.Module | None
    proj_update: nn.Module | None

    def __init__(self, width: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)
        self.sr = nn.Conv2d(width, width, reduction, reduction) if reduction > 1 else None
        self.norm = nn.LayerNorm(width, PATCH_EPS) if reduction > 1 else None
        for slot in ("q_update", "kv_update", "proj_update"):
            self.register_module(slot, None)

    def forward(self, x: Tensor) -> Tensor:
        batch, height, width, channels = x.shape
        coarse = x if self.norm is None else self.norm(self._summarize(x))
        query = self._split(_updated(self.q(x), self.q_update, x))
        both = _updated(self.kv(coarse), self.kv_update, coarse)
        key, value = (self._split(part) for part in both.chunk(2, dim=-1))
        mixed = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2)
        mixed = mixed.reshape(batch, height, width, channels)
        return _updated(self.proj(mixed), self.proj_update, mixed)

    def _summarize(self, x: Tensor) -> Tensor:
        """Applies the convolution `sr`, whose stride is its kernel size, as a linear map of patches, which is two to
        three times faster."""
        assert self.sr is not None
        side = self.sr.stride[0]
        rows, columns = x.shape[1] // side, x.shape[2] // side
        patches = x[:, : rows * side, : columns * side].reshape(len(x), rows, side, columns, side, -1)
        weight = self.sr.weight.permute(0, 2, 3, 1).flatten(1)
        return functional.linear(patches.transpose(2, 3).flatten(3), weight, self.sr.bias)

    def _split(self, x: Tensor) -> Tensor:
        """Reshapes [B, H, W, C] to [B, heads, H * W, C / heads]."""
        return x.view(len(x), -1, self.heads, x.shape[-1] // self.heads).transpose(1, 2)


class Mlp(nn.Module):
    """Linear, depthwise 3x3 convolution (the encoder's only position information), GELU, linear."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = MLP_RATIO * width
        self.fc1 = nn.Linear(width, hidden)
        self.dwconv = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        hidden = as_tokens(self.dwconv(as_image(self.fc1(x))))
        tokens: Tensor = self.fc2(functional.gelu(hidden))
        return tokens
