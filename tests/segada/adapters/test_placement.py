"""Where adapters end up."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from segada.adapters.adaptformer import AdaptFormer
from segada.adapters.placement import place_adapter
from segada.models.mix_transformer import MixTransformer
from segada.settings.adapter import AdaptFormerSettings
from segada.settings.architectures import MIX_TRANSFORMERS


@settings(max_examples=15, deadline=None)
@given(stages=st.permutations(range(4)), count=st.integers(1, 4))
def test_adapters_sit_in_every_block_of_the_named_stages_and_nowhere_else(stages: list[int], count: int) -> None:
    encoder = MixTransformer(MIX_TRANSFORMERS["mit_b0"], 0.0, torch.Generator())
    chosen = tuple(stages[:count])
    place_adapter(encoder, AdaptFormerSettings(name="adaptformer", stages=chosen), torch.Generator())
    for stage in range(4):
        for block in encoder.blocks([stage]):
            assert isinstance(block.parallel, AdaptFormer) == (stage in chosen)


def test_the_order_in_which_stages_are_named_does_not_matter() -> None:
    states = []
    for stages in ((0, 2), (2, 0)):
        encoder = MixTransformer(MIX_TRANSFORMERS["mit_tiny"], 0.0, torch.Generator())
        place_adapter(encoder, AdaptFormerSettings(name="adaptformer", stages=stages), torch.Generator().manual_seed(0))
        states.append({name: tensor for name, tensor in encoder.state_dict().items() if ".parallel." in name})
    assert len(states[0]) == 8
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_a_stage_named_twice_is_refused() -> None:
    encoder = MixTransformer(MIX_TRANSFORMERS["mit_tiny"], 0.0, torch.Generator())
    with pytest.raises(ValueError, match=r"adapter\.stages must name each stage once, but is \[1, 1\]"):
        place_adapter(encoder, AdaptFormerSettings(name="adaptformer", stages=(1, 1)), torch.Generator())
