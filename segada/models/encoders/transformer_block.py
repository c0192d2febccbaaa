"""The transformer block that adapters ask an encoder for, whatever library built it."""

from collections.abc import Mapping
from typing import Protocol

from torch import nn

TARGETS = ("q", "kv", "proj")
"""Linear maps of an attention that adapters update: of queries, of keys and values together, of the output."""


class TransformerBlock(Protocol):
    """Attention and MLP over tokens [..., C], each with a residual, and slots for adapters.

    The slots `before`, `parallel` and `after` are around the MLP m of its input n, which in most blocks is normed. Each
    is a module from tokens to the same shape, whose output is added: that of `before` to the input of m, those of
    `parallel` (with input n) and `after` (with input m(n)) to the output of m. A layer scale belongs to m: it does not
    scale what adapters add. Stochastic depth drops both together. The output of the slot `behind` is added to that of
    the whole block, which is its input.

    The slots `q_update`, `kv_update` and `proj_update` of `attn` have the input of the linear layer of that name, and
    their output is added to the layer's output; `kv_update` gives keys, then values. Filled slots are parameters like
    any other: `stages.1.blocks.0.attn.q_update.down.weight`.

    Attributes:
        width: C.
        linears: Widths of input and output of each of `TARGETS`.
    """

    before: nn.Module | None
    parallel: nn.Module | None
    after: nn.Module | None
    behind: nn.Module | None

    @property
    def width(self) -> int: ...

    @property
    def linears(self) -> Mapping[str, tuple[int, int]]: ...

    @property
    def attn(self) -> nn.Module: ...
