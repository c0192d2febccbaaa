"""Tests of TENT: a step against a plain implementation, and the parameters that it may change."""

import copy
from collections.abc import Callable

import pytest
import torch
from method_parts import Build
from norm_encoder import with_norm_encoder
from recipe_sections import recipe_section
from torch import nn

from segada.controllers.base import StepPlan
from segada.data.batch import Batch, to_batch
from segada.engine.run_data import RunData
from segada.methods.tent import Tent

NORMS = {"method": {"name": "tent", "optimizer": {"lr": 1e-2}}}
FOLLOWED = {"method": {**NORMS["method"], "batch_norm": {"statistics": "follow"}}}
LEARNING = {
    "method": {"name": "tent", "parameters": "learning"},
    "model": {"freeze": "everything"},
    "adapter": {"name": "adaptformer"},
}


@pytest.fixture
def target(run_data: RunData) -> Batch:
    return to_batch(run_data.visited["200mm"], torch.arange(4).numpy())


@pytest.mark.parametrize("method", [NORMS["method"], recipe_section("tent_acdc", "method")], ids=["small", "recipe"])
def test_gradients_are_those_of_the_mean_entropy(method: dict[str, object], build: Build, target: Batch) -> None:
    parts = build({"method": method})
    plain = copy.deepcopy(parts.network, {id(parts.network.encoder.generator): None}).train()
    probability = plain(target.images).softmax(dim=1)
    entropy = -(probability * probability.log()).sum(dim=1).mean()
    entropy.backward()  # type: ignore[no-untyped-call]
    wanted = {name: value.grad for name, value in plain.named_parameters()}

    log = Tent(parts).step(target, StepPlan(0.0))
    torch.testing.assert_close(log["entropy"], entropy.detach())
    for name, value in parts.network.named_parameters():
        assert (value.grad is not None) == value.requires_grad, name
        if value.grad is not None:
            torch.testing.assert_close(value.grad, wanted[name], rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("freeze", ["nothing", "encoder", "everything"])
def test_norms_and_nothing_else_move_whatever_is_frozen(freeze: str, build: Build, target: Batch) -> None:
    parts = build({**NORMS, "model": {"freeze": freeze}})
    norms = {
        f"{name}.{own}"
        for name, module in parts.network.named_modules()
        if isinstance(module, nn.LayerNorm | nn.BatchNorm2d)
        for own in ("weight", "bias")
    }
    before = {name: value.detach().clone() for name, value in parts.network.named_parameters()}
    Tent(parts).step(target, StepPlan())
    moved = {name for name, value in parts.network.named_parameters() if not torch.equal(value, before[name])}
    assert moved == norms


@pytest.mark.parametrize(
    "norm", [lambda width: nn.GroupNorm(2, width), lambda width: nn.InstanceNorm2d(width, affine=True)]
)
def test_norms_of_every_kind_move_and_have_their_gradients(
    norm: Callable[[int], nn.Module], build: Build, target: Batch
) -> None:
    parts = with_norm_encoder(build(NORMS), norm)
    plain = copy.deepcopy(parts.network, {id(parts.network.encoder.generator): None}).train()
    norms = {
        f"{name}.{own}"
        for name, module in parts.network.named_modules()
        if isinstance(module, nn.GroupNorm | nn.InstanceNorm2d | nn.BatchNorm2d)
        for own in ("weight", "bias")
    }
    assert len([name for name in norms if name.startswith("encoder.")]) == 8
    before = {name: value.detach().clone() for name, value in parts.network.named_parameters()}
    Tent(parts).step(target, StepPlan())
    moved = {name for name, value in parts.network.named_parameters() if not torch.equal(value, before[name])}
    assert moved == norms
    probability = plain(target.images).softmax(dim=1)
    wanted = dict(plain.named_parameters())
    entropy = -(probability * probability.log()).sum(dim=1).mean()
    gradients = torch.autograd.grad(entropy, [wanted[name] for name in sorted(norms)])
    found = dict(parts.network.named_parameters())
    for name, gradient in zip(sorted(norms), gradients, strict=True):
        torch.testing.assert_close(found[name].grad, gradient, rtol=1e-3, atol=1e-7)


def test_learning_descends_what_is_left_to_learn(build: Build, target: Batch) -> None:
    parts = build(LEARNING)
    before = {name: value.detach().clone() for name, value in parts.network.named_parameters()}
    method = Tent(parts)
    logs = [method.step(target, StepPlan()) for _ in range(5)]
    moved = {name for name, value in parts.network.named_parameters() if not torch.equal(value, before[name])}
    assert moved == {name for name in before if ".parallel." in name}
    assert float(logs[-1]["entropy"]) < float(logs[0]["entropy"])


@pytest.mark.parametrize("settings", [NORMS, FOLLOWED], ids=["target", "follow"])
def test_running_statistics_stay_unless_they_follow_and_no_source_frame_is_read(
    settings: dict[str, object], build: Build, target: Batch
) -> None:
    parts = build(settings)
    drawn = parts.replay.state_dict()
    mean = parts.network.head.linear_fuse.bn.running_mean.clone()
    Tent(parts).step(target, StepPlan(0.0))
    assert torch.equal(parts.network.head.linear_fuse.bn.running_mean, mean) is (settings is NORMS)
    assert parts.replay.state_dict() == drawn


def test_a_prediction_has_the_statistics_of_its_frame(build: Build, target: Batch) -> None:
    parts = build(NORMS)
    plain = copy.deepcopy(parts.network, {id(parts.network.encoder.generator): None}).train()
    method = Tent(parts)
    with torch.no_grad():
        wanted = torch.cat([plain(image[None]) for image in target.images])
    torch.testing.assert_close(method.predict(target.images), wanted, rtol=1e-3, atol=1e-4)
