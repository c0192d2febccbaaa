"""Transformer blocks of timm's models: found by their structure, and opened for adapters.

A block is a module with `attn`, `mlp` and `drop_path2`, whose attention has linear layers of one of `LAYOUTS`. Names of
classes do not matter. Nothing is replaced or renamed: adapters join by hooks on the block's own layers, so that weights
keep timm's names, and a block whose slots are empty computes exactly what it did.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from segada.models.encoders.transformer_block import TransformerBlock

Part = tuple[int, int, int]
"""Part of a tensor's channels: from `a / c` to `b / c` of them."""
WHOLE: Final[Part] = (0, 1, 1)
PARTS: Final = ("attn", "mlp", "drop_path2")
"""Modules of a block that adapters join."""


@dataclass(frozen=True, slots=True)
class Share:
    """Share of an update that a linear layer of an attention gets.

    Attributes:
        layer: Name of the layer.
        slot: Slot of the update.
        rows: Part of the layer's output that it is added to.
        taken: Part of the update that is added.
    """

    layer: str
    slot: str
    rows: Part = WHOLE
    taken: Part = WHOLE

    def add(self, output: Tensor, update: Tensor, groups: int) -> Tensor:
        """Returns the layer's output with its share of the update.

        Args:
            output: [..., outputs].
            update: [..., outputs of the update], without groups.
            groups: Number of groups of rows that each have the layer's parts: 1, or the number of heads.
        """
        if self.rows == WHOLE:
            first, end, of = self.taken
            width = update.shape[-1]
            return output + update[..., width * first // of : width * end // of]
        first, end, of = self.rows
        grouped = output.view(*output.shape[:-1], groups, of, -1)
        added = update.view(*update.shape[:-1], end - first, groups, -1).transpose(-3, -2)
        parts = (grouped[..., :first, :], grouped[..., first:end, :] + added, grouped[..., end:, :])
        return torch.cat(parts, -2).flatten(-3)

    def width(self, outputs: int) -> int:
        """Returns the width of the whole update beside a layer with so many outputs."""
        first, end, of = self.rows
        low, high, parts = self.taken
        return outputs * (end - first) // of * parts // (high - low)


LAYOUTS: Final[Sequence[tuple[Share, ...]]] = (
    (Share("qkv", "q_update", rows=(0, 1, 3)), Share("qkv", "kv_update", rows=(1, 3, 3))),
    (Share("q", "q_update"), Share("kv", "kv_update")),
    (
        Share("q_proj", "q_update"),
        Share("k_proj", "kv_update", taken=(0, 1, 2)),
        Share("v_proj", "kv_update", taken=(1, 2, 2)),
    ),
)
"""Linear layers of queries, keys and values that an attention may have."""


def find_blocks(stage: nn.Module) -> list[str]:
    """Returns the dotted names of the transformer blocks in a stage, in the order in which they are registered."""
    found: list[str] = []
    for name, module in stage.named_modules():
        if not any(name.startswith(f"{outer}.") for outer in found) and _is_block(module):
            found.append(name)
    return found


def open_block(block: nn.Module, groups: int) -> TransformerBlock:
    """Gives a block its slots and widths, once; `groups` is the result of `row_groups`."""
    opened: Any = block
    if not hasattr(block, "linears"):
        shares = _shares(opened.attn)
        assert shares is not None
        for slot in dict.fromkeys(share.slot for share in shares):
            opened.attn.register_module(slot, None)
        for share in shares:
            opened.attn.get_submodule(share.layer).register_forward_hook(LayerHook(opened.attn, share, groups))
        for slot in ("before", "parallel", "after", "behind"):
            block.register_module(slot, None)
        around = MlpHook(block)
        opened.mlp.register_forward_pre_hook(around.enter)
        opened.drop_path2.register_forward_pre_hook(around.leave)
        block.register_forward_hook(_refined)
        opened.linears = _linears(opened.attn, shares)
        opened.width = opened.linears["proj"][1]
    return cast("TransformerBlock", opened)


class LayerHook:
    """Adds an update to the output of a linear layer of an attention; nothing if its slot is empty."""

    def __init__(self, attention: nn.Module, share: Share, groups: int) -> None:
        self.attention = attention
        self.share = share
        self.groups = groups

    def __call__(self, _: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        update = getattr(self.attention, self.share.slot)
        return output if update is None else self.share.add(output, update(inputs[0]), self.groups)


class MlpHook:
    """Adds the outputs of the slots around the MLP of a block to its input, and to what its residual is given."""

    def __init__(self, block: nn.Module) -> None:
        self.block: Any = block
        self.seen: Tensor | None = None

    def enter(self, _: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Returns the MLP's inputs, the first with the output of `before`."""
        self.seen = inputs[0]
        return (_updated(inputs[0], self.block.before, inputs[0]), *inputs[1:])

    def leave(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
        """Returns the input of the block's stochastic depth, with the outputs of `after` and `parallel`."""
        (update,), seen, self.seen = inputs, self.seen, None
        assert seen is not None
        update = _updated(update, self.block.after, update)
        return (_updated(update, self.block.parallel, seen),)


def _refined(block: Any, _: Any, output: Tensor) -> Tensor:
    """Returns the output of a block with that of its slot `behind`."""
    return _updated(output, block.behind, output)


def _updated(x: Tensor, slot: nn.Module | None, seen: Tensor) -> Tensor:
    return x if slot is None else x + slot(seen)


class Calls:
    """Records the positional and named arguments of each call of modules in a block, within a `with` block."""

    def __init__(self, block: nn.Module, names: Sequence[str]) -> None:
        self.of: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self._modules = [(name, block.get_submodule(name)) for name in names]

    def __enter__(self) -> "Calls":
        self._handles = [
            module.register_forward_pre_hook(self._recorder(name), with_kwargs=True) for name, module in self._modules
        ]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def names(self) -> list[str]:
        """Returns the names of the modules in the order of their calls."""
        return [name for name, _, _ in self.of]

    def _recorder(self, name: str) -> Any:
        def record(_: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
            self.of.append((name, args, named))

        return record


def row_groups(block: nn.Module, seen: Calls) -> int | str:
    """Returns the number of groups of rows of a layer `qkv`, or the reason why adapters cannot join the block.

    Rows are either all queries, all keys and all values (1 group), or those of one head after the other. Twice the
    values are twice the mixed values: that tells which rows are values.

    Args:
        block: Block of an encoder in evaluation mode.
        seen: Calls of `PARTS` in a run of the encoder.
    """
    if seen.names() != list(PARTS):
        return f"a block calls {', '.join(seen.names()) or 'nothing'}, and not {', '.join(PARTS)}, in this order"
    attention, (_, args, named) = block.get_submodule("attn"), seen.of[0]
    layers = list(dict.fromkeys(share.layer for share in _shares(attention) or ()))
    with Calls(attention, layers) as calls:
        attention(*args, **named)
    missed = next((layer for layer in layers if calls.names().count(layer) != 1), None)
    if missed is not None:
        return f"its attention does not call its layer {missed!r} once"
    if "qkv" not in layers:
        return 1
    mixed = _mixed(calls)
    for groups in dict.fromkeys((1, int(getattr(attention, "num_heads", 1)))):
        doubling = attention.get_submodule("qkv").register_forward_hook(partial(_doubled, groups))
        with Calls(attention, ["proj"]) as calls:
            attention(*args, **named)
        doubling.remove()
        if torch.allclose(_mixed(calls), 2 * mixed, rtol=1e-3, atol=1e-6):
            return groups
    return "the rows of its layer 'qkv' are not those of queries, keys and values, in all or by head"


def _mixed(calls: Calls) -> Tensor:
    mixed: Tensor = next(args[0] for name, args, _ in calls.of if name == "proj")
    return mixed


def _doubled(groups: int, _: nn.Module, __: object, output: Tensor) -> Tensor:
    if output.shape[-1] % (3 * groups):
        return output
    grouped = output.view(*output.shape[:-1], groups, 3, -1)
    return torch.cat([grouped[..., :2, :], 2 * grouped[..., 2:, :]], -2).flatten(-3)


def _is_block(module: nn.Module) -> bool:
    children = dict(module.named_children())
    return set(PARTS) <= set(children) and _shares(children["attn"]) is not None


def _shares(attention: nn.Module) -> tuple[Share, ...] | None:
    layers = {name for name, child in attention.named_children() if isinstance(child, nn.Linear)}
    layout = next((one for one in LAYOUTS if {share.layer for share in one} <= layers), None)
    return None if layout is None or "proj" not in layers else (*layout, Share("proj", "proj_update"))


def _linears(attention: nn.Module, shares: Sequence[Share]) -> dict[str, tuple[int, int]]:
    widths = {}
    for share in shares:
        layer: Any = attention.get_submodule(share.layer)
        widths[share.slot.removesuffix("_update")] = (layer.in_features, share.width(layer.out_features))
    return widths
