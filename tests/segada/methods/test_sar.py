"""Tests of SAR: a step against the paper's formula, and the reset on collapse."""

import copy
import math

import pytest
import torch
from method_parts import Build

from segada.controllers.base import StepPlan
from segada.data.batch import Batch, to_batch
from segada.engine.run_data import RunData
from segada.methods.sar import Sar

RHO = 0.5


def settings(recovery: float, **others: float) -> dict[str, object]:
    method = {"name": "sar", "optimizer": {"lr": 1e-2}, "rho": RHO, "recovery_threshold": recovery}
    return {"method": method | others}


@pytest.fixture
def target(run_data: RunData) -> Batch:
    return to_batch(run_data.visited["200mm"], torch.arange(2).numpy())


def test_the_gradient_is_that_at_the_end_of_the_ascent(build: Build, target: Batch) -> None:
    parts = build(settings(0.0))
    plain = copy.deepcopy(parts.network, {id(parts.network.encoder.generator): None}).train()
    method = Sar(parts)
    names = [name for name, value in parts.network.named_parameters() if value.requires_grad]
    norms = [dict(plain.named_parameters())[name] for name in names]
    for value in norms:
        value.requires_grad_(requires_grad=True)

    def entropies() -> torch.Tensor:
        probability = plain(target.images).softmax(dim=1)
        return -(probability * probability.log()).sum(dim=1)

    limit = 0.4 * math.log(plain(target.images).shape[1])
    first = entropies()
    sure = first < limit
    assert 0 < int(sure.sum()) < sure.numel()
    slopes = torch.autograd.grad(first[sure].mean(), norms)
    length = math.sqrt(sum(float(slope.square().sum()) for slope in slopes))
    with torch.no_grad():
        for value, slope in zip(norms, slopes, strict=True):
            value.add_(RHO * slope / length)
    second = entropies()
    loss = second[sure & (second < limit)].mean()
    wanted = torch.autograd.grad(loss, norms)

    before = {name: value.detach().clone() for name, value in parts.network.named_parameters()}
    log = method.step(target, StepPlan(0.0))
    torch.testing.assert_close(log["entropy"], loss.detach(), rtol=1e-2, atol=1e-4)
    found = dict(parts.network.named_parameters())
    ours = torch.cat([found[name].grad.flatten() for name in names])
    theirs = torch.cat([slope.flatten() for slope in wanted])
    assert float((ours - theirs).norm() / theirs.norm()) < 0.02
    assert all(torch.equal(value, before[name]) for name, value in found.items())


@pytest.mark.parametrize(("recovery", "returns"), [(1.0, True), (0.0, False)])
def test_a_low_loss_returns_the_norms_and_the_optimizer_to_their_start(
    recovery: float, returns: bool, build: Build, target: Batch
) -> None:
    parts = build(settings(recovery))
    before = {name: value.detach().clone() for name, value in parts.network.named_parameters()}
    method = Sar(parts)
    start = copy.deepcopy(method.state_dict()["optimizer"]["state"])
    method.step(target, StepPlan())
    after = dict(parts.network.named_parameters())
    assert all(torch.equal(value, before[name]) for name, value in after.items()) is returns
    assert (method.state_dict()["optimizer"]["state"] == start) is returns
    assert ("average" in method.state_dict()) is not returns


def test_a_step_without_a_reliable_pixel_is_no_collapse(build: Build, target: Batch) -> None:
    method = Sar(build(settings(1.0, entropy_threshold=0.0)))
    start = copy.deepcopy(method.state_dict()["optimizer"]["state"])
    assert float(method.step(target, StepPlan())["sure_share"]) == 0.0
    assert "average" not in method.state_dict()
    assert method.state_dict()["optimizer"]["state"] != start
