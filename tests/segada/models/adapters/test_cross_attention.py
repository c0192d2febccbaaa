"""The injector with plain cross-attention: its formula, and no effect until it has learned."""

import torch
from torch import Tensor, nn

from segada.models.adapters.cross_attention import CrossAttention
from segada.models.adapters.image_adapters import place_image_adapter
from segada.models.adapters.vit_adapter import Injector
from segada.models.encoders.mix_transformer import build_mix_transformer
from segada.settings.architectures import MIX_TRANSFORMERS
from segada.settings.image_adapter import VitAdapterSettings


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=generator(seed))


def test_a_cross_attention_equals_that_of_torch_gradients_included() -> None:
    ours = CrossAttention(12, 3, generator()).double()
    theirs = nn.MultiheadAttention(12, 3, batch_first=True).double()
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.normal_(generator=generator(4))
        theirs.in_proj_weight.copy_(torch.cat([ours.q.weight, ours.kv.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.q.bias, ours.kv.bias]))
        theirs.out_proj.load_state_dict(ours.proj.state_dict())
    tokens = random(2, 4, 5, 12).double().requires_grad_()
    memory = random(2, 7, 12, seed=3).double().requires_grad_()
    seen = ours(tokens, memory, [(7, 1)])
    expected = theirs(tokens.flatten(1, 2), memory, memory, need_weights=False)[0].view(2, 4, 5, 12)
    torch.testing.assert_close(seen, expected)
    cotangent = random(2, 4, 5, 12, seed=5).double()
    found, wanted = (torch.autograd.grad(out, (tokens, memory), cotangent) for out in (seen, expected))
    torch.testing.assert_close(found, wanted)


def test_the_injector_may_have_a_cross_attention_which_changes_nothing_at_first() -> None:
    settings = VitAdapterSettings(name="vit_adapter", stage=1, stem_width=4, attention="cross")
    network = build_mix_transformer(MIX_TRANSFORMERS["mit_tiny"], 0.0, torch.Generator(), generator()).eval()
    images = random(2, 3, 48, 72)
    before = network(images)
    place_image_adapter(network, settings, generator(1))
    for one, other in zip(network(images), before, strict=True):
        assert torch.equal(one, other)
    injector = network.stage(1).prompt
    assert isinstance(injector, Injector)
    assert isinstance(injector.attention, CrossAttention)
    with torch.no_grad():
        injector.gamma.fill_(0.5)
    for one, other in zip(network(images)[1:], before[1:], strict=True):
        assert not torch.allclose(one, other)
