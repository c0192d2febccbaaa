"""Tests of all learners: the optimizer's groups, and consolidation."""

import pytest
import torch
from method_parts import Build
from timm.models.swin_transformer import SwinTransformer
from timm.models.swin_transformer_v2 import SwinTransformerV2
from torch import nn

from segada.controllers.base import StepPlan
from segada.data.batch import to_batch
from segada.engine.run_data import RunData
from segada.methods.base import MethodParts
from segada.methods.optimizer import Beside, Optimizer
from segada.methods.registry import METHODS
from segada.settings.learning import OptimizerSettings


def _consolidated(name: str, weight: float) -> dict[str, object]:
    return {
        "name": name,
        "optimizer": {"lr": 1e-3},
        "consolidation": {"weight": weight, "frames": 4},
    }


def _distance(parts: MethodParts, origin: dict[str, torch.Tensor]) -> float:
    moved = [(value - origin[name]).detach().square().sum() for name, value in parts.network.named_parameters()]
    return float(torch.stack(moved).sum().sqrt())


@pytest.mark.parametrize("name", ["tent", "dacs", "supervised"])
def test_consolidation_is_a_term_of_every_learner_and_holds_it_back(name: str, build: Build, run_data: RunData) -> None:
    target = to_batch(run_data.visited["200mm"], torch.arange(4).numpy())
    distances = {}
    for weight in (0.0, 1e6):
        parts = build({"method": _consolidated(name, weight)})
        origin = {key: value.detach().clone() for key, value in parts.network.named_parameters()}
        method = METHODS[name](parts)
        logs = [method.step(target, StepPlan()) for _ in range(6)]
        assert all(("consolidation" in log) == (weight > 0) for log in logs)
        if weight:
            assert float(logs[0]["consolidation"]) == 0.0
            assert all(float(log["consolidation"]) > 0.0 for log in logs[1:])
        distances[weight] = _distance(parts, origin)
    assert 0.0 < distances[1e6] < 0.9 * distances[0.0]


def test_consolidation_draws_nothing(build: Build) -> None:
    drawn = []
    for weight in (0.0, 1.0):
        parts = build({"method": _consolidated("dacs", weight)})
        METHODS["dacs"](parts)
        drawn.append((parts.replay.state_dict(), parts.class_mix.get_state().tolist()))
    assert drawn[0] == drawn[1]


def test_what_learns_beside_the_network_has_a_rate_of_its_own() -> None:
    network = {name: torch.nn.Parameter(torch.zeros(1)) for name in ("encoder.x", "head.x")}
    beside = Beside("other", {"x": torch.nn.Parameter(torch.zeros(1))}, 1e-2)
    optimizer = Optimizer(network, OptimizerSettings(lr=1e-3, head_factor=3.0), beside)
    every = [*network.values(), *beside.parameters.values()]
    optimizer.step(torch.stack(every).sum(), StepPlan(0.5))
    # The first step of AdamW is its rate.
    assert [float(value.detach()) for value in every] == pytest.approx([-5e-4, -1.5e-3, -5e-3], rel=1e-4)
    assert optimizer.rates(StepPlan(0.5)) == pytest.approx({"encoder": 5e-4, "head": 1.5e-3, "other": 5e-3})
    assert optimizer.rates(StepPlan(learning_rate=1.0))["other"] == 1e-2


@pytest.mark.parametrize(("keeps", "of_head"), [(True, 0.3), (False, 0.1)])
def test_a_planned_rate_takes_the_factor_of_the_head_with_it_or_leaves_it(keeps: bool, of_head: float) -> None:
    network = {name: torch.nn.Parameter(torch.zeros(1)) for name in ("encoder.x", "head.x")}
    optimizer = Optimizer(network, OptimizerSettings(lr=1e-3, head_factor=3.0))
    plan = StepPlan(learning_rate=0.1, keeps_head_factor=keeps)
    optimizer.step(torch.stack(list(network.values())).sum(), plan)
    assert [float(value.detach()) for value in network.values()] == pytest.approx([-0.1, -of_head], rel=1e-4)
    assert optimizer.rates(plan) == pytest.approx({"encoder": 0.1, "head": of_head})
    # Without a planned rate the factor always holds.
    assert optimizer.rates(StepPlan(keeps_head_factor=keeps))["head"] == pytest.approx(3e-3)


def test_named_modules_have_rates_of_their_own_in_place_of_the_head_s() -> None:
    factors = {"b": 2.0, "head.c": 5.0, "y": 0.5}
    names = {"encoder.a.x": 1.0, "encoder.b.x": 2.0, "encoder.b.y": 0.5, "head.a.x": 3.0, "head.c.x": 5.0}
    network = {name: torch.nn.Parameter(torch.zeros(1)) for name in names}
    optimizer = Optimizer(network, OptimizerSettings(lr=1e-3, head_factor=3.0, module_factors=factors))
    optimizer.step(torch.stack(list(network.values())).sum(), StepPlan())
    moved = [float(value.detach()) for value in network.values()]
    assert moved == pytest.approx([-1e-3 * factor for factor in names.values()], rel=1e-4)
    rates = {"encoder": 1e-3, "head": 3e-3, "b": 2e-3, "head.c": 5e-3, "y": 5e-4}
    assert optimizer.rates(StepPlan()) == pytest.approx(rates)


def test_a_network_without_encoder_and_head_has_one_rate() -> None:
    network = {f"network.{name}": torch.nn.Parameter(torch.zeros(1)) for name in ("x.a", "y.a")}
    optimizer = Optimizer(network, OptimizerSettings(lr=1e-3, module_factors={"y": 3.0}))
    assert optimizer.rates(StepPlan(0.5)) == pytest.approx({"network": 5e-4, "y": 1.5e-3})


def test_a_factor_of_no_module_is_refused(build: Build) -> None:
    parts = build({"method": {"name": "tent", "optimizer": {"module_factors": {"decoder": 2.0}}}})
    with pytest.raises(ValueError, match=r"module_factors: no parameter of this network has 'decoder' in its name"):
        METHODS["tent"](parts)


def _decayed(network: nn.Module) -> set[str]:
    """Returns the parameters that a step without any gradient changes."""
    parameters = dict(network.named_parameters())
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.fill_(1.0)
    optimizer = Optimizer(parameters, OptimizerSettings(lr=0.1, weight_decay=0.5))
    optimizer.step(torch.stack([parameter.sum() for parameter in parameters.values()]).sum() * 0.0, StepPlan())
    return {name for name, parameter in parameters.items() if torch.all(parameter.detach() < 0.96)}


@pytest.mark.parametrize("adapter", ["none", "adaptformer", "lora", "vida"])
def test_matrices_and_kernels_decay_and_nothing_else_does(adapter: str, build: Build) -> None:
    network = build({"adapter": {"name": adapter}, "image_adapter": {"name": "vit_adapter"}}).network
    weighing = (nn.Linear, nn.Conv2d)
    modules = {name for name, module in network.named_modules() if isinstance(module, weighing)}
    assert _decayed(network) == {f"{name}.weight" for name in modules}


@pytest.mark.parametrize("kind", [SwinTransformer, SwinTransformerV2])
def test_positions_and_scales_of_a_swin_do_not_decay(kind: type[SwinTransformer | SwinTransformerV2]) -> None:
    swin = kind(img_size=32, window_size=4, embed_dim=8, depths=(2,), num_heads=(2,), num_classes=2)
    own = {name for name, parameter in swin.named_parameters() if parameter.ndim > 1}
    spared = swin.no_weight_decay() & own
    assert spared
    assert _decayed(swin) == own - spared


def test_sgd_adds_weight_decay_to_the_gradient_and_a_share_of_the_former_step() -> None:
    parameters = {"encoder.weight": nn.Parameter(torch.ones(2, 2)), "head.bias": nn.Parameter(torch.ones(2))}
    settings = OptimizerSettings(algorithm="sgd", momentum=0.8, lr=0.1, weight_decay=0.5, head_factor=2.0)
    optimizer = Optimizer(parameters, settings)
    weight, bias, of_weight, of_bias = 1.0, 1.0, 0.0, 0.0
    for _ in range(3):
        optimizer.forget()
        optimizer.step(torch.stack([value.square().sum() for value in parameters.values()]).sum(), StepPlan())
        of_weight = 0.8 * of_weight + 2 * weight + 0.5 * weight
        of_bias = 0.8 * of_bias + 2 * bias
        weight, bias = weight - 0.1 * of_weight, bias - 0.2 * of_bias
        torch.testing.assert_close(parameters["encoder.weight"].detach(), torch.full((2, 2), weight))
        torch.testing.assert_close(parameters["head.bias"].detach(), torch.full((2,), bias))
