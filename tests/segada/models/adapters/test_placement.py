"""Placement of adapters in stages and blocks."""

import itertools

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from segada.models.adapters.adaptformer import AdaptFormer
from segada.models.adapters.placement import pattern_blocks, place_adapter
from segada.models.encoders.base import Encoder
from segada.models.encoders.mix_transformer import MixTransformer
from segada.settings.adapter import AdaptFormerSettings, LoraSettings, VidaSettings
from segada.settings.architectures import MIX_TRANSFORMERS

DEPTHS = st.integers(1, 60)
HUNDREDTHS = st.integers(0, 100)


def window(low: int, high: int) -> str:
    """From hundredths, as a person would write it."""
    return f"{low / 100:g}-{high / 100:g}"


PATTERNS = (
    st.sampled_from(["all", "first", "last"])
    | st.integers(1, 70).map(lambda step: f"every{step}")
    | st.tuples(HUNDREDTHS, HUNDREDTHS).map(lambda ends: window(min(ends), max(ends)))
)


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


def test_each_stage_can_have_a_pattern_of_its_own() -> None:
    with torch.device("meta"):
        encoder = MixTransformer(MIX_TRANSFORMERS["mit_b2"], 0.0, torch.Generator("cpu"))
    adapter = AdaptFormerSettings(name="adaptformer", stages=(2, 1), blocks=("every3", "0.5-1"), position="after")
    place_adapter(encoder, adapter, torch.Generator())
    carrying = {
        stage: [index for index, block in enumerate(encoder.blocks([stage])) if block.after is not None]
        for stage in range(4)
    }
    assert carrying == {0: [], 1: [2, 3], 2: [0, 3], 3: []}


@given(PATTERNS, DEPTHS)
def test_a_pattern_means_some_blocks_of_the_stage_each_once_in_order(pattern: str, depth: int) -> None:
    chosen = pattern_blocks(pattern, depth)
    assert chosen
    assert chosen == sorted(set(chosen))
    assert set(chosen) <= set(range(depth))


@given(st.lists(st.integers(1, 99), max_size=6, unique=True), DEPTHS)
def test_windows_that_follow_each_other_share_out_the_blocks(cuts: list[int], depth: int) -> None:
    ends = [0, *sorted(cuts), 100]
    centres = [100 * (index + 0.5) / depth for index in range(depth)]
    assume(all(any(low <= centre < high for centre in centres) for low, high in itertools.pairwise(ends)))
    parts = [pattern_blocks(window(low, high), depth) for low, high in itertools.pairwise(ends)]
    assert list(itertools.chain(*parts)) == list(range(depth))


@given(HUNDREDTHS, HUNDREDTHS, DEPTHS)
def test_a_window_takes_its_share_of_every_depth(one: int, other: int, depth: int) -> None:
    low, high = min(one, other), max(one, other)
    chosen = pattern_blocks(window(low, high), depth)
    assert abs(len(chosen) - depth * (high - low) / 100) <= 1 + 1e-9
    assert all(low / 100 - 0.5 / depth <= (index + 0.5) / depth <= high / 100 + 0.5 / depth + 1e-9 for index in chosen)


def test_patterns_by_hand() -> None:
    assert pattern_blocks("0.5-1", 2) == [1]
    assert pattern_blocks("0.5-1", 40) == list(range(20, 40))
    assert pattern_blocks("0-0.1", 2) == [0]
    assert pattern_blocks(".4-.6", 2) == [0]
    assert pattern_blocks("every2", 5) == [0, 2, 4]
    assert pattern_blocks("last", 6) == [5]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"stages": (1, 1)}, "should name each stage once"),
        ({"stages": (0, 4)}, "should be 0, 1, 2 or 3"),
        ({"stages": ()}, "should name at least one stage"),
        ({"blocks": "half"}, "should be all, first, last, every2 (or another number) or a window such as 0.5-1"),
        ({"blocks": ("all", "every0")}, "should be all, first, last, every2 (or another number) or a window"),
        ({"blocks": "0.7-0.2"}, "should be a window that rises"),
        ({"blocks": ("all",) * 3}, "adapter.blocks has 3 patterns, but adapter.stages names 2 stages; give one"),
        ({"blocks": 1}, "should be a valid string"),
    ],
)
def test_a_place_that_cannot_be_is_refused_in_one_sentence(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        AdaptFormerSettings.model_validate({"name": "adaptformer", **values})
    (error,) = refusal.value.errors()
    assert said in error["msg"]


@pytest.mark.parametrize(
    ("adapter", "said"),
    [
        (LoraSettings(name="lora", rank=17, stages=(0,)), "adapter.rank is 17, but stage 0 of the encoder is 16 wide"),
        (VidaSettings(name="vida", low_rank=33, stages=(2, 1)), "adapter.low_rank is 33, but stage 1 of the encoder"),
    ],
)
def test_what_is_no_low_rank_in_the_built_network_is_refused(adapter: LoraSettings | VidaSettings, said: str) -> None:
    with torch.device("meta"):
        encoder = MixTransformer(MIX_TRANSFORMERS["mit_tiny"], 0.0, torch.Generator("cpu"))
    with pytest.raises(ValueError, match=said):
        place_adapter(encoder, adapter, torch.Generator())


def test_an_encoder_without_blocks_is_refused() -> None:
    class Blockless(Encoder):
        channels = (8, 8, 8, 8)

        def run(self, *_: object) -> list[torch.Tensor]:
            return []

    with pytest.raises(
        ValueError, match=r"adapters sit in transformer blocks, .*\(Blockless\) has none; .* model\.encoder"
    ):
        place_adapter(Blockless(), AdaptFormerSettings(name="adaptformer"), torch.Generator())
