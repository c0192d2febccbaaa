"""Tests of EATA: a step against the paper's formula, pixel by pixel."""

import copy
import math

import pytest
import torch
from method_parts import Build

from segada.controllers.base import StepPlan
from segada.data.batch import Batch, to_batch
from segada.engine.run_data import RunData
from segada.methods.eata import Eata


def settings(redundancy: float) -> dict[str, object]:
    return {
        "method": {
            "name": "eata",
            "optimizer": {"lr": 1e-2},
            "redundancy_threshold": redundancy,
            "consolidation": {"weight": 0.0},
        }
    }


@pytest.fixture
def target(run_data: RunData) -> Batch:
    return to_batch(run_data.visited["200mm"], torch.arange(2).numpy())


def test_the_loss_is_the_weighted_entropy_of_reliable_pixels(build: Build, target: Batch) -> None:
    parts = build(settings(1.0))
    plain = copy.deepcopy(parts.network, {id(parts.network.encoder.generator): None}).train()
    with torch.no_grad():
        probability = plain(target.images).softmax(dim=1).movedim(1, -1).flatten(0, 2).double()
    limit = 0.4 * math.log(probability.shape[1])
    entropies = [-sum(p * math.log(p) for p in pixel if p > 0.0) for pixel in probability.tolist()]
    chosen = [entropy for entropy in entropies if entropy < limit]
    assert 0 < len(chosen) < len(entropies)
    log = Eata(parts).step(target, StepPlan(0.0))
    wanted = sum(entropy * math.exp(limit - entropy) for entropy in chosen) / len(chosen)
    assert float(log["entropy"]) == pytest.approx(wanted, rel=1e-2)
    assert float(log["sure_share"]) == pytest.approx(len(chosen) / len(entropies), abs=1e-2)


@pytest.mark.parametrize(("redundancy", "again"), [(0.05, False), (1.0, True)])
def test_a_frame_that_was_seen_is_redundant_also_after_a_resume(
    redundancy: float, again: bool, build: Build, target: Batch
) -> None:
    method = Eata(build(settings(redundancy)))
    assert float(method.step(target, StepPlan(0.0))["sure_share"]) > 0.0
    resumed = Eata(build(settings(redundancy)))
    resumed.load_state_dict(method.state_dict())
    for one in (method, resumed):
        assert (float(one.step(target, StepPlan(0.0))["sure_share"]) > 0.0) is again


def test_a_batch_of_redundant_frames_moves_nothing(build: Build, target: Batch) -> None:
    parts = build(settings(0.05))
    method = Eata(parts)
    start = {name: value.detach().clone() for name, value in parts.network.named_parameters()}
    method.step(target, StepPlan())
    before = {name: value.detach().clone() for name, value in parts.network.named_parameters()}
    assert any(not torch.equal(value, start[name]) for name, value in before.items())
    method.step(target, StepPlan())
    assert all(torch.equal(value, before[name]) for name, value in parts.network.named_parameters())
