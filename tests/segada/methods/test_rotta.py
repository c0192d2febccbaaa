"""Tests of RoTTA: steps against a plain implementation, and when they are made."""

import copy

import pytest
import torch
from method_parts import Build

from segada.controllers.base import StepPlan
from segada.data.batch import Batch, to_batch
from segada.data.transforms.augment import jitter_and_blur
from segada.engine.run_data import RunData
from segada.methods.rotta import Rotta
from segada.models.batch_norm import batch_norms, normalize_by
from segada.settings.batch_norm import RobustStatistics
from segada.settings.rotta import RottaSettings

SETTINGS = {"name": "rotta", "memory": 12, "update_every": 4, "ema_alpha": 0.9, "optimizer": {"lr": 1e-2}}


@pytest.fixture
def targets(run_data: RunData) -> list[Batch]:
    return [to_batch(run_data.visited["200mm"], torch.arange(start, start + 2).numpy()) for start in (0, 2, 4, 6)]


def test_steps_are_those_of_the_plain_algorithm(build: Build, targets: list[Batch]) -> None:
    parts, plain = build({"method": SETTINGS}), build({"method": SETTINGS})
    method = Rotta(parts)
    student = plain.network
    normalize_by(student, RobustStatistics())
    teacher = copy.deepcopy(student, {id(student.encoder.generator): None})
    norms = [name for name, value in parts.network.named_parameters() if value.requires_grad]
    assert all("norm" in name or name.endswith(("bn.weight", "bn.bias")) for name in norms)
    own, averaged = dict(student.named_parameters()), dict(teacher.named_parameters())
    optimizer = torch.optim.AdamW([own[name] for name in norms], lr=1e-2, weight_decay=0.01)
    settings = parts.settings.method
    assert isinstance(settings, RottaSettings)
    kept: list[torch.Tensor] = []
    for number, target in enumerate(targets):
        log = method.step(target, StepPlan())
        kept += list(target.images)
        if number % 2 == 0:
            assert log == {}
            continue
        # Which frames are kept, and in which order, is in test_frame_memory.py.
        images, ages = method._memory.frames()
        assert {image.sum().item() for image in images} <= {image.sum().item() for image in kept}
        frames = torch.stack(images)
        augmented = jitter_and_blur(frames, settings.color, plain.augmentation)
        with torch.no_grad():
            wanted = teacher.train()(frames).softmax(dim=1)
        losses = -(wanted * student.train()(augmented).log_softmax(dim=1)).sum(dim=1)
        age = torch.tensor(ages).view(-1, 1, 1)
        loss = (losses * torch.exp(-age) / (1 + torch.exp(-age))).mean()
        torch.testing.assert_close(log["consistency"], loss.detach(), rtol=1e-4, atol=1e-6)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for name in norms:
                averaged[name].mul_(0.9).add_(own[name], alpha=0.1)
    for ours, theirs in ((method.student, student), (method.evaluated_network, teacher)):
        statistics = dict(theirs.named_buffers())
        for name, norm in batch_norms(ours).items():
            torch.testing.assert_close(norm.running_mean, statistics[f"{name}.running_mean"], rtol=1e-3, atol=1e-4)


def test_a_batch_larger_than_the_period_makes_one_step(build: Build, targets: list[Batch]) -> None:
    method = Rotta(build({"method": {**SETTINGS, "update_every": 1}}))
    for target in targets:
        assert set(method.step(target, StepPlan())) == {"consistency"}
    assert method.steps == len(targets)


def test_a_plan_that_does_not_train_keeps_the_memory_as_it_is(build: Build, targets: list[Batch]) -> None:
    method = Rotta(build({"method": SETTINGS}))
    assert method.step(targets[0], StepPlan(trains=False)) == {}
    assert method._memory.frames() == ([], [])


def test_a_reset_empties_the_memory(build: Build, targets: list[Batch]) -> None:
    method = Rotta(build({"method": {**SETTINGS, "update_every": 2, "guards": {"reset_every": 2}}}))
    for target in targets[:3]:
        method.step(target, StepPlan())
    assert method._memory.frames()[0] == []
    assert method.steps == 1


def test_no_source_frame_is_read(build: Build, targets: list[Batch]) -> None:
    parts = build({"method": {**SETTINGS, "update_every": 2}})
    drawn = parts.replay.state_dict()
    assert set(Rotta(parts).step(targets[0], StepPlan())) == {"consistency"}
    assert parts.replay.state_dict() == drawn
