"""Rein: its formula, what blocks share, and that it is saved and copied as one."""

import copy

import torch
from torch.nn import functional

from segada.models.adapters.rein import Rein, ReinMaps, insert_reins
from segada.models.encoders.drop_path import DropPath
from segada.models.encoders.mix_block import Block
from segada.settings.adapter import ReinSettings


def _blocks(*widths: int) -> list[Block]:
    generator = torch.Generator().manual_seed(0)
    blocks = [Block(width, 2, 1, DropPath(0.0, torch.Generator())).eval() for width in widths]
    for block in blocks:
        for parameter in block.parameters():
            with torch.no_grad():
                parameter.normal_(0.0, 0.3, generator=generator)
    return blocks


def test_features_are_refined_by_the_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    maps = ReinMaps(8, generator).double()
    rein = Rein(5, 3, maps, maps, generator).double()
    x = torch.randn((2, 3, 4, 8), generator=generator, dtype=torch.float64)
    assert not rein(x).any()
    with torch.no_grad():
        for parameter in rein.parameters():
            parameter.normal_(generator=generator)
    tokens = rein.down @ rein.up
    refined = torch.zeros_like(x)
    for place in [(b, h, w) for b in range(2) for h in range(3) for w in range(4)]:
        feature = x[place]
        shares = torch.softmax(torch.stack([feature @ token for token in tokens]) / 8**0.5, 0)
        seen = [
            share * functional.linear(token, maps.of_tokens.weight, maps.of_tokens.bias)
            for share, token in zip(shares[1:], tokens[1:], strict=True)
        ]
        mixed = torch.stack(seen).sum(dim=0) + feature
        refined[place] = functional.linear(mixed, maps.of_features.weight, maps.of_features.bias)
    torch.testing.assert_close(rein(x), refined)


def test_blocks_of_one_width_share_their_maps_and_each_parameter_has_one_name() -> None:
    blocks = _blocks(8, 8, 4)
    x = torch.randn((1, 2, 2, 8), generator=torch.Generator().manual_seed(1))
    before = blocks[1](x)
    insert_reins(blocks, ReinSettings(name="rein", tokens=4, rank=2), torch.Generator().manual_seed(2))
    assert torch.equal(blocks[1](x), before)
    network = torch.nn.ModuleList(blocks)
    added = {name: value for name, value in network.named_parameters() if ".behind." in name}
    assert sum(value.numel() for value in added.values()) == 3 * 4 * 2 + 2 * 8 * 2 + 2 * 4 + 2 * (72 + 20)
    assert list(dict(network.named_parameters())) == list(dict(network.named_parameters(remove_duplicate=False)))
    with torch.no_grad():
        network.get_parameter("0.behind.maps.of_features.weight").normal_(generator=torch.Generator().manual_seed(3))
    assert not torch.equal(blocks[1](x), before)


def test_a_copy_shares_its_own_maps() -> None:
    network = torch.nn.ModuleList(_blocks(8, 8))
    insert_reins(list(network), ReinSettings(name="rein", tokens=4, rank=2), torch.Generator().manual_seed(2))
    copied = copy.deepcopy(network)
    x = torch.randn((1, 2, 2, 8), generator=torch.Generator().manual_seed(1))
    before = network[1](x)
    with torch.no_grad():
        copied.get_parameter("0.behind.maps.of_features.weight").fill_(0.5)
    assert torch.equal(network[1](x), before)
    assert not torch.equal(copied[1](x), before)
