"""Tests of ViDA's factors by uncertainty, in steps of the methods that have a teacher."""

import copy
import dataclasses

import pytest
import torch
from method_parts import Build
from torchvision.transforms.v2 import functional

from segada.controllers.base import StepPlan
from segada.data.batch import Batch, to_batch
from segada.engine.run_data import RunData
from segada.methods.registry import METHODS
from segada.models.adapters.vida import VidaPair
from segada.models.segmentor import Segmentor
from segada.selftraining.knowledge_allotment import view
from segada.settings import RunSettings

VIDA = {"name": "vida", "high_rank": 12, "allotment": "uncertainty", "views": 3}


@pytest.fixture
def target(run_data: RunData) -> Batch:
    return to_batch(run_data.visited["200mm"], torch.arange(2).numpy())


def _factors(network: Segmentor) -> list[torch.Tensor]:
    return [pair.factors for pair in network.modules() if isinstance(pair, VidaPair) and pair.factors is not None]


def _plain_view(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Colors as the authors change them, image by image, with torchvision; then a blur by 0.001 to 0.5 pixels."""
    changed = []
    for image, draws in zip(images, torch.rand(len(images), 9, generator=generator).tolist(), strict=True):
        signed = [2 * draw - 1 for draw in draws[4:8]]
        changes = [
            lambda x, by=signed[0]: functional.adjust_brightness(x, 1 + 0.4 * by),
            lambda x, by=signed[1]: functional.adjust_contrast(x, 1 + 0.3 * by),
            lambda x, by=signed[2]: functional.adjust_saturation(x, 1 + 0.5 * by),
            lambda x, by=signed[3]: functional.adjust_hue(x, 0.06 * by),
        ]
        x = image
        for index in sorted(range(4), key=draws[:4].__getitem__):
            x = changes[index](x)
        changed.append(functional.gaussian_blur(x, [7, 7], [0.001 + 0.499 * draws[8]] * 2))
    return torch.stack(changed)


def test_a_view_has_the_authors_ranges(target: Batch) -> None:
    ours, plain = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
    for _ in range(4):
        torch.testing.assert_close(view(target.images, ours), _plain_view(target.images, plain), rtol=0, atol=1e-4)


def test_a_reset_keeps_the_factors_of_its_own_step(build: Build, target: Batch) -> None:
    changes = {
        "method": {"name": "dacs", "guards": {"reset_every": 1}},
        "adapter": VIDA,
        "model": {"freeze": "encoder"},
    }
    learner = METHODS["dacs"](build(changes))
    first, second = (learner.step(batch, StepPlan()) for batch in (target, _darker(target)))
    assert second["reset"] == 1.0
    assert second["uncertainty"] != first["uncertainty"]
    for factors in _factors(learner.evaluated_network):
        torch.testing.assert_close(factors[0], 1 + second["uncertainty"], rtol=0, atol=1e-7)


def _darker(batch: Batch) -> Batch:
    return dataclasses.replace(batch, images=0.3 * batch.images)


@pytest.mark.parametrize("threshold", [0.0, 1e6])
@pytest.mark.parametrize("method", ["dacs", "cotta", "rmt"])
def test_factors_follow_the_variance_over_views(method: str, threshold: float, build: Build, target: Batch) -> None:
    settings = {"name": method, "scales": [1.5]} if method == "cotta" else {"name": method}
    adapter = {**VIDA, "uncertainty_threshold": threshold}
    parts = build({"method": settings, "adapter": adapter, "model": {"freeze": "encoder"}})
    drawn = parts.augmentation.get_state()
    learner = METHODS[method](parts)
    teacher = copy.deepcopy(parts.network, {id(parts.network.encoder.generator): None}).eval()
    log = learner.step(target, StepPlan(0.0))

    same = torch.Generator()
    same.set_state(drawn)
    views = [_plain_view(target.images, same) for _ in range(3)]
    with torch.no_grad():
        logits = torch.stack([teacher(view) for view in views])
    u = 0.1 * ((logits - logits.mean(dim=0)) ** 2).sum(dim=0).div(2).mean()
    assert u > 0
    torch.testing.assert_close(log["uncertainty"], u, rtol=1e-4, atol=1e-7)
    low, high = (1 - u, 1 + u) if u >= threshold else (1 + u, 1 - u)
    assert learner.other_network is not None
    for network in (learner.evaluated_network, learner.other_network):
        assert len(_factors(network)) == 6
        for factors in _factors(network):
            torch.testing.assert_close(factors, torch.stack([low, high]), rtol=1e-5, atol=1e-7)


def test_a_state_has_the_factors(build: Build, target: Batch) -> None:
    changes = {"method": {"name": "dacs"}, "adapter": VIDA, "model": {"freeze": "encoder"}}
    stopped, resumed = (METHODS["dacs"](build(changes)) for _ in range(2))
    stopped.step(target, StepPlan())
    resumed.load_state_dict(stopped.state_dict())
    assert torch.equal(stopped.predict(target.images), resumed.predict(target.images))
    assert not torch.equal(_factors(resumed.evaluated_network)[0], torch.ones(2))


def test_a_method_without_a_teacher_has_no_uncertainty() -> None:
    settings = {"method": {"name": "adversarial"}, "adapter": VIDA, "model": {"freeze": "encoder"}}
    with pytest.raises(
        ValueError, match=r"adapter\.allotment is 'uncertainty'.*set method\.name to dacs, cotta or rmt"
    ):
        RunSettings.model_validate(settings)
