"""What every adapter, every prompt and their combinations promise."""

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from kind_names import names_of

from segada.models.adapters.image_adapters import IMAGE_ADAPTERS
from segada.models.adapters.placement import ADAPTERS, TOGETHER
from segada.settings.adapter import AdapterSettings
from segada.settings.architectures import MIX_TRANSFORMERS
from segada.settings.image_adapter import ImageAdapterSettings
from segada.testing.adapters import ADAPTER_CHECKS, AdapterCase, learn
from segada.testing.findings import assert_holds

WIDTHS = MIX_TRANSFORMERS["mit_tiny"].widths


def linear(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def stem(width: int, levels: int = 4) -> int:
    """Parameters of a spatial prior."""
    widths = (3, width, width, width, 2 * width, 4 * width, 4 * width)[: 3 + levels]
    pairs = itertools.pairwise(widths)
    return sum(9 * inputs * outputs + 2 * outputs for inputs, outputs in pairs)


def injector(width: int, heads: int, points: int) -> int:
    seen = heads * 3 * points
    return 5 * width + linear(width, 2 * seen) + linear(width, seen) + 2 * linear(width, width)


def adaptformers(bottleneck: int, stages: tuple[int, ...]) -> int:
    return sum(linear(WIDTHS[stage], bottleneck) + linear(bottleneck, WIDTHS[stage]) for stage in stages)


def high_frequency(stages: tuple[int, ...], reduction: int) -> int:
    hidden = [width // reduction for width in WIDTHS[: max(stages) + 1]]
    patches = sum(
        linear(kernel**2 * inputs, outputs) + 2 * outputs
        for kernel, inputs, outputs in zip((7, 3, 3, 3), (3, *hidden), hidden, strict=False)
    )
    prompts = sum(
        linear(WIDTHS[stage], hidden[stage])
        + linear(hidden[stage], hidden[stage])
        + linear(hidden[stage], WIDTHS[stage])
        for stage in stages
    )
    return patches + prompts


EXAMPLES: Mapping[str, tuple[dict[str, Any], int]] = {
    "adaptformer": (
        {"adapter": {"name": "adaptformer", "stages": [0, 3], "bottleneck": 3, "scale": 0.7}},
        adaptformers(3, (0, 3)),
    ),
    "lora": (
        {"adapter": {"name": "lora", "stages": [1, 2], "rank": 3, "targets": ["q", "kv", "proj"]}},
        sum(3 * (2 + 3 + 2) * WIDTHS[stage] for stage in (1, 2)),
    ),
    "vida": (
        {"adapter": {"name": "vida", "stages": [0, 2], "high_rank": 20}},
        sum((1 + 20) * (2 + 3 + 2) * WIDTHS[stage] for stage in (0, 2)),
    ),
    "rein": (
        {"adapter": {"name": "rein", "stages": [1, 3], "tokens": 6, "rank": 2}},
        sum((6 + WIDTHS[stage]) * 2 + 2 * linear(WIDTHS[stage], WIDTHS[stage]) for stage in (1, 3)),
    ),
    "vit_adapter": (
        {"image_adapter": {"name": "vit_adapter", "stem_width": 4, "points": 2}},
        stem(4) + linear(8, 64) + 2 * linear(16, 64) + injector(64, 4, 2),
    ),
    "vit_adapter with cross-attention": (
        {"image_adapter": {"name": "vit_adapter", "stem_width": 4, "attention": "cross"}},
        stem(4) + linear(8, 64) + 2 * linear(16, 64) + 2 * 2 * 64 + linear(64, 4 * 64) + 64,
    ),
    "vit_adapter that only feeds the head": (
        {"image_adapter": {"name": "vit_adapter", "inject": False, "feeds_head": True, "stage": 1, "stem_width": 16}},
        stem(16) + sum(linear(width, 32) for width in (16, 32, 64, 64)) + sum(linear(32, width) for width in WIDTHS),
    ),
    "visual_prompt": (
        {"image_adapter": {"name": "visual_prompt", "stages": [2, 0], "reduction": 2, "stem_width": 4}},
        stem(4, 3) + linear(4, 2) + linear(2, 16) + linear(16, 8) + linear(8, 64),
    ),
    "high_frequency": (
        {"image_adapter": {"name": "high_frequency", "stages": [1, 3], "reduction": 4}},
        high_frequency((1, 3), 4),
    ),
    "adpt1": ({"preset": "adpt1"}, adaptformers(5, (0, 1))),
    "adpt3, fed": (
        {"preset": "adpt3", "image_adapter": {"feeds_head": True, "stem_width": 4}},
        adaptformers(5, (0, 1, 2, 3))
        + stem(4)
        + sum(linear(width, 64) for width in (4, 8, 16, 16))
        + sum(linear(64, width) for width in WIDTHS)
        + injector(64, 4, 4),
    ),
    "lora and high_frequency": (
        {
            "adapter": {"name": "lora", "stages": [3], "rank": 2},
            "image_adapter": {"name": "high_frequency", "stages": [0]},
        },
        2 * (2 + 3) * WIDTHS[3] + high_frequency((0,), 4),
    ),
}
every_example = pytest.mark.parametrize("example", EXAMPLES)


def case(example: str) -> AdapterCase:
    return AdapterCase(EXAMPLES[example][0])


def test_the_tables_hold_exactly_what_the_settings_name() -> None:
    for settings, table, section in (
        (AdapterSettings, {**ADAPTERS, **TOGETHER}, "adapter"),
        (ImageAdapterSettings, IMAGE_ADAPTERS, "image_adapter"),
    ):
        assert names_of(settings) == {*table, "none"}
        assert {example[section].get("name") for example, _ in EXAMPLES.values() if section in example} - {None} == set(
            table
        )


@every_example
@pytest.mark.parametrize("promise", ADAPTER_CHECKS)
def test_it_keeps_the_promise(example: str, promise: str) -> None:
    assert_holds(ADAPTER_CHECKS, promise, case(example))


@every_example
def test_there_are_as_many_parameters_as_the_formula_says(example: str) -> None:
    segmentor = case(example).build()
    added = [segmentor.get_parameter(name).numel() for name in case(example).added()]
    assert sum(added) == EXAMPLES[example][1]


@every_example
def test_the_head_learns_beside_it_unless_everything_is_frozen(example: str) -> None:
    for freeze in ("nothing", "encoder", "everything"):
        segmentor = case(example).build(freeze).eval()
        before = segmentor.get_parameter("head.linear_pred.weight").clone()
        learn(segmentor)
        same = torch.equal(segmentor.get_parameter("head.linear_pred.weight"), before)
        assert same == (freeze == "everything")
