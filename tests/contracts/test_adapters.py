"""What every adapter, every prompt and their combinations promise."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from segada.models.adapters.image_adapters import IMAGE_ADAPTERS
from segada.models.adapters.placement import ADAPTERS
from segada.models.build import build_segmentor
from segada.models.encoders.base import has_adapter, has_batch_norm
from segada.models.learning import frozen_copy, learning_parameters, source_copy
from segada.models.segmentor import Segmentor
from segada.models.weights import load_weights, save_weights, storable
from segada.settings import RunSettings
from segada.settings.adapter import AdapterSettings
from segada.settings.architectures import MIX_TRANSFORMERS
from segada.settings.image_adapter import ImageAdapterSettings

WIDTHS = MIX_TRANSFORMERS["mit_tiny"].widths
SIZES = [(32, 64), (40, 72), (65, 33)]
"""The second and third are no multiples of the deepest stride."""


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
    "vit_adapter": (
        {"image_adapter": {"name": "vit_adapter", "stem_width": 4, "points": 2}},
        stem(4) + linear(8, 64) + 2 * linear(16, 64) + injector(64, 4, 2),
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


def build(example: str | None, freeze: str = "everything", seed: int = 0) -> Segmentor:
    """None is the network without."""
    model = {"checkpoint": None, "freeze": freeze}
    # A network in which nothing learns is that of a method that learns nothing, and the other way round.
    changed = {"method": {"name": "source_only"}} if example is None else EXAMPLES[example][0]
    tree = {**changed, "model": model}
    settings = RunSettings.model_validate(tree)
    generator = torch.Generator().manual_seed(seed)
    return build_segmentor(settings.model, settings.adapter, generator, settings.image_adapter)


def pictures(size: tuple[int, int] = (32, 64), count: int = 2) -> Tensor:
    return torch.rand((count, 3, *size), generator=torch.Generator().manual_seed(1))


def learn(segmentor: Segmentor) -> None:
    """Three steps: a factor that starts at zero hides what stands before it from the first, two from the second."""
    optimizer = torch.optim.Adam(learning_parameters(segmentor).values(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        segmentor(pictures()).square().mean().backward()
        optimizer.step()


def learned(example: str) -> Segmentor:
    """In evaluation mode, so that the head's running statistics stay those of the source model."""
    segmentor = build(example).eval()
    learn(segmentor)
    return segmentor


def snapshot(segmentor: Segmentor) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in segmentor.named_parameters()}


def test_the_tables_hold_exactly_what_the_settings_name() -> None:
    for settings, table, section in (
        (AdapterSettings, ADAPTERS, "adapter"),
        (ImageAdapterSettings, IMAGE_ADAPTERS, "image_adapter"),
    ):
        union = get_args(get_args(settings)[0])
        assert {get_args(member.model_fields["name"].annotation)[0] for member in union} == {*table, "none"}
        assert {example[section].get("name") for example, _ in EXAMPLES.values() if section in example} - {None} == set(
            table
        )


@every_example
def test_the_network_starts_as_the_one_without_bit_for_bit(example: str) -> None:
    plain, adapted = build(None), build(example)
    for training in (False, True):
        plain.train(training)
        adapted.train(training)
        for size in SIZES:
            maps, expected = adapted.encode(pictures(size)), plain.encode(pictures(size))
            assert all(torch.equal(one, other) for one, other in zip(maps, expected, strict=True))
            assert torch.equal(adapted.decode(maps), plain.decode(expected))


@every_example
def test_each_parameter_is_registered_once_and_there_are_as_many_as_the_formula_says(example: str) -> None:
    segmentor, plain = build(example), set(snapshot(build(None)))
    added = dict(segmentor.named_parameters(remove_duplicate=False))
    for name in plain:
        assert not has_adapter(name)
        del added[name]
    assert all(has_adapter(name) for name in added)
    assert len({id(parameter) for parameter in added.values()}) == len(added)
    assert sum(parameter.numel() for parameter in added.values()) == EXAMPLES[example][1]


@every_example
@pytest.mark.parametrize("freeze", ["nothing", "encoder", "everything"])
def test_adapters_learn_under_every_freeze_rule_and_nothing_that_is_frozen_does(example: str, freeze: str) -> None:
    segmentor = build(example, freeze).eval()
    before, first = snapshot(segmentor), segmentor(pictures()).detach()
    added = set(before) - set(snapshot(build(None)))
    assert set(learning_parameters(segmentor)) == added | set(learning_parameters(build(None, freeze)))
    learn(segmentor)
    changed = {name for name, value in snapshot(segmentor).items() if not torch.equal(value, before[name])}
    assert added <= changed <= set(learning_parameters(segmentor))
    assert ("head.linear_pred.weight" in changed) == (freeze != "everything")
    gradients = {name: segmentor.get_parameter(name).grad for name in added}
    assert all(gradient is not None and gradient.any() for gradient in gradients.values())
    assert not torch.allclose(segmentor(pictures()), first)


@every_example
def test_the_global_generator_is_left_alone(example: str) -> None:
    state = torch.get_rng_state()
    first = snapshot(build(example))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, first[name]) for name, value in snapshot(build(example)).items())
    assert all(value.isfinite().all() for value in first.values())


@every_example
def test_what_was_learned_goes_into_a_fresh_network_and_through_a_file(example: str, tmp_path: Path) -> None:
    segmentor = learned(example)
    with torch.no_grad():
        expected = segmentor(pictures())
        by_state = build(example, seed=7).eval()
        by_state.load_state_dict(storable(segmentor), strict=False)
        assert torch.equal(by_state(pictures()), expected)
        save_weights(segmentor, tmp_path / "a.safetensors", "0123456789")
        by_file = build(example, seed=8).eval()
        load_weights(by_file, str(tmp_path / "a.safetensors"))
        assert torch.equal(by_file(pictures()), expected)


@every_example
def test_the_static_model_carries_none_and_stays_the_source_model(example: str) -> None:
    segmentor = build(example).eval()
    static = source_copy(segmentor)
    assert set(snapshot(static)) == set(snapshot(build(None)))
    learn(segmentor)
    for size in SIZES:
        assert torch.equal(static(pictures(size)), build(None).eval()(pictures(size)))
    prefix = segmentor.encode_frozen(pictures())
    for one, other in zip(static.encode_rest(prefix), static.encode(pictures()), strict=True):
        assert torch.equal(one, other)


@every_example
def test_a_teacher_has_adapters_of_its_own_and_shares_the_prefix(example: str) -> None:
    segmentor = build(example).eval()
    learn(segmentor)
    before = segmentor(pictures()).detach()
    teacher = frozen_copy(segmentor).eval()
    learn(segmentor)
    assert not torch.allclose(segmentor(pictures()), before)
    assert torch.equal(teacher(pictures()), before)
    own = {id(parameter) for parameter in teacher.parameters()} - {
        id(parameter) for parameter in segmentor.parameters()
    }
    assert {id(teacher.get_parameter(name)) for name in learning_parameters(segmentor)} == own
    assert torch.equal(teacher.decode(teacher.encode_rest(segmentor.encode_frozen(pictures()))), before)


@every_example
def test_frames_do_not_see_each_other(example: str) -> None:
    segmentor = learned(example).train()
    assert not has_batch_norm(segmentor.encoder)
    with torch.no_grad():
        together = segmentor.encode(pictures(count=3))
        alone = segmentor.encode(pictures(count=3)[1:2])
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one[1:2], other, rtol=1e-4, atol=1e-4)


@every_example
def test_it_runs_in_reduced_precision(example: str) -> None:
    segmentor = learned(example)
    exact = segmentor(pictures())
    with torch.autocast("cpu", torch.bfloat16):
        reduced = segmentor(pictures())
    assert (reduced.float() - exact).abs().max() < 0.1 * exact.abs().max()
