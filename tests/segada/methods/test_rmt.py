"""Tests of RMT: its terms and their gradients against the paper's formulas, prototypes, warm-up."""

import copy
import math

import pytest
import torch
from method_parts import Build
from torch import Tensor
from torch.nn import functional

from segada.controllers.base import StepPlan
from segada.data.batch import Batch, to_batch
from segada.engine.run_data import RunData
from segada.methods.rmt import Rmt
from segada.selftraining.contrast import Projector, contrastive_loss, nearest, source_prototypes
from segada.selftraining.losses import symmetric_cross_entropy
from segada.testing.checks import snapshot


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def settings(**method: object) -> dict[str, object]:
    plain = {"jitter": 0.0, "blur_probability": 0.0}
    own = {"name": "rmt", "optimizer": {"lr": 1e-3}, "warm_up_steps": 0, "color": plain}
    return {"method": own | method, "model": {"drop_path": 0.0}}


@pytest.fixture
def target(run_data: RunData) -> Batch:
    return to_batch(run_data.visited["200mm"], torch.arange(2).numpy())


def test_the_symmetric_cross_entropy_is_that_of_each_pixel() -> None:
    student, teacher = (torch.randn(2, 5, 3, 4, generator=seeded(seed)).double() for seed in (1, 2))
    total = 0.0
    for p, q in zip(*(x.softmax(1).movedim(1, -1).flatten(0, 2).tolist() for x in (student, teacher)), strict=True):
        total -= 0.5 * sum(a * math.log(b) + b * math.log(a) for a, b in zip(p, q, strict=True))
    assert float(symmetric_cross_entropy(student, teacher)) == pytest.approx(total / 24)


def by_hand(views: tuple[Tensor, ...], projector: Projector, temperature: float) -> Tensor:
    """Computes -1/(3N) sum_i 1/|P(i)| sum_(p in P(i)) log(exp(z_i z_p / t) / sum_(a != i) exp(z_i z_a / t))."""
    count = len(views[0])
    points = [vector / vector.norm() for view in views for vector in projector(view)]
    total = torch.zeros(())
    for i, point in enumerate(points):
        others = [a for a in range(3 * count) if a != i]
        whole = torch.stack([(point @ points[a] / temperature).exp() for a in others]).sum()
        positives = [a for a in others if a % count == i % count]
        for p in positives:
            total = total - ((point @ points[p] / temperature).exp() / whole).log() / len(positives)
    return total / len(points)


def test_the_contrast_and_its_gradients_are_those_of_the_formula() -> None:
    projector = Projector(6, 4, seeded())
    views = tuple(torch.randn(5, 6, generator=seeded(seed)).requires_grad_() for seed in (1, 2, 3))
    inputs = [*views, *projector.parameters()]
    ours, wanted = contrastive_loss(views, projector, 0.5), by_hand(views, projector, 0.5)
    torch.testing.assert_close(ours, wanted)
    for one, other in zip(torch.autograd.grad(ours, inputs), torch.autograd.grad(wanted, inputs), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_the_nearest_prototype_is_that_of_the_smallest_angle() -> None:
    prototypes = torch.tensor([[10.0, 0.0], [1.0, 1.0]])
    features = torch.tensor([[3.0, 2.5], [0.1, 0.0]])
    assert torch.equal(nearest(prototypes, features), prototypes[[1, 0]])


def test_prototypes_are_means_over_cells_of_a_class(build: Build) -> None:
    network = build(settings()).network
    images, labels = torch.rand(2, 3, 32, 64, generator=seeded(1)), torch.full((2, 32, 64), 255)
    labels[0, :, :32], labels[0, :, 32:], labels[1, :, :32] = 3, 7, 3
    with torch.no_grad():
        maps = network.eval().encode(images)[-1]
    prototypes = source_prototypes(network, [Batch(images[[index]], labels[[index]]) for index in range(2)])
    wanted = torch.stack([(maps[0, :, 0, 0] + maps[1, :, 0, 0]) / 2, maps[0, :, 0, 1]])
    torch.testing.assert_close(prototypes, wanted, rtol=1e-3, atol=1e-4)


def test_a_step_descends_the_sum_of_the_terms(build: Build, target: Batch) -> None:
    chosen = settings(contrast_weight=0.6, clean_weight=0.8, symmetric_weight=0.5)
    parts = build(chosen)
    plain = copy.deepcopy(parts.network, {id(parts.network.encoder.generator): None}).train()
    source = build(chosen).replay.next_batch(2)
    method = Rmt(parts)
    rows = plain.encode(target.images)[-1].movedim(1, -1).flatten(0, 2)
    logits, replayed = plain(target.images), plain(source.images)
    # Student and teacher are equal and frames unchanged, so that both halves are the entropy in value.
    teacher = logits.detach()
    other = functional.interpolate(replayed, source.labels.shape[-2:], mode="bilinear", align_corners=False)
    wanted = {
        "symmetric": 0.5 * symmetric_cross_entropy(logits, teacher),
        "clean": 0.8 * functional.cross_entropy(other, source.labels, ignore_index=255, reduction="sum") / 4096,
        "contrast": 0.6 * by_hand((nearest(method._prototypes, rows), rows, rows), method._projector, 0.1),
    }
    assert source.labels.numel() == 4096
    slopes = torch.autograd.grad(sum(wanted.values()), list(plain.parameters()), materialize_grads=True)
    log = method.step(target, StepPlan(0.0))
    assert set(log) == set(wanted)
    for name, value in wanted.items():
        torch.testing.assert_close(log[name], value.detach(), rtol=1e-2, atol=1e-4)
    ours = torch.cat([value.grad.flatten() for value in parts.network.parameters() if value.grad is not None])
    pairs = zip(parts.network.parameters(), slopes, strict=True)
    theirs = torch.cat([slope.flatten() for value, slope in pairs if value.grad is not None])
    assert float((ours - theirs).norm()) < 2e-2 * float(theirs.norm())


def test_the_teacher_follows_after_the_step(build: Build, target: Batch) -> None:
    method = Rmt(build(settings(ema_alpha=0.75)))
    before = snapshot(method.student)
    method.step(target, StepPlan())
    name = next(name for name, value in method.student.named_parameters() if not torch.equal(value, before[name]))
    student, teacher = (dict(network.named_parameters())[name] for network in (method.student, method.teacher))
    torch.testing.assert_close(teacher.detach(), 0.75 * before[name] + 0.25 * student.detach())


def test_the_warm_up_precedes_the_first_learning_step_alone(build: Build, target: Batch) -> None:
    weights = {"symmetric_weight": 0.0, "clean_weight": 0.0, "contrast_weight": 0.0}
    method = Rmt(build(settings(warm_up_steps=3, consolidation={"weight": 1e-9, "frames": 1}, **weights)))
    before = snapshot(method.student)
    method.step(target, StepPlan(trains=False))
    assert all(torch.equal(value, before[name]) for name, value in snapshot(method.student).items())
    drawn = method._replay.state_dict()
    method.step(target, StepPlan())
    assert method._replay.state_dict() != drawn
    again = method._replay.state_dict()
    method.step(target, StepPlan())
    assert method._replay.state_dict() == again
