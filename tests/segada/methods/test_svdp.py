"""Tests of SVDP: three steps and a prediction against a plain implementation, and what it refuses."""

import copy

import pytest
import torch
from method_parts import Build
from torch import Tensor
from torch.nn import functional

from segada.controllers.base import StepPlan
from segada.data.batch import Batch, to_batch
from segada.engine.run_data import RunData
from segada.methods.svdp import Svdp
from segada.models.segmentor import FrozenPrefix, Segmentor
from segada.selftraining.restoration import successes
from segada.selftraining.sparse_prompt import DropoutUncertainty

SETTINGS = {
    "name": "svdp",
    # Adam would turn rounding of gradients near zero into whole steps.
    "optimizer": {"algorithm": "sgd", "momentum": 0.0, "lr": 1e-2, "weight_decay": 0.0},
    "ema_alpha": 0.9,
    "confidence_threshold": 0.5,
    "scales": [1.5],
    "restore": 0.2,
    "prompt_lr": 10.0,
    "prompt_share": 0.01,
    "passes": 3,
    "uncertainty_scale": 1.0,
}


@pytest.fixture
def targets(run_data: RunData) -> list[Batch]:
    return [to_batch(run_data.visited["200mm"], torch.arange(start, start + 2).numpy()) for start in (0, 2, 4)]


def _copy(network: Segmentor) -> Segmentor:
    return copy.deepcopy(network, {id(network.encoder.generator): None}).eval()


def _with_prompt(
    network: Segmentor, images: Tensor, prompt: Tensor, uncertainty: Tensor, flips: bool = False
) -> Tensor:
    """Returns logits of prompted images, mirrored with their prompt if wanted; the uncertainty has their size."""
    added = torch.zeros_like(images)
    for frame, values in enumerate(uncertainty.flatten(1)):
        places = values.argsort(stable=True)[-len(prompt) :]
        rows = [divmod(int(place), images.shape[-1]) for place in places]
        for vector, (row, column) in zip(prompt, rows, strict=True):
            added[frame, :, row, column] = vector
    inputs = (images - network.mean) / network.std + added
    logits = network.decode(network.encode_rest(FrozenPrefix(inputs.flip(-1) if flips else inputs, ())))
    return logits.flip(-1) if flips else logits


def _pseudo_labels(teacher: Segmentor, source: Segmentor, images: Tensor, prompt: Tensor, uncertain: Tensor) -> Tensor:
    height, width = images.shape[-2:]

    def softmax(logits: Tensor) -> Tensor:
        return functional.interpolate(logits, (height, width), mode="bilinear").softmax(dim=1)

    larger = (int(1.5 * height), int(1.5 * width))
    enlarged = functional.interpolate(images, larger, mode="bilinear")
    spread = functional.interpolate(uncertain[:, None], larger, mode="bilinear")[:, 0]
    with torch.no_grad():
        views = [softmax(_with_prompt(teacher, images, prompt, uncertain))]
        views += [softmax(_with_prompt(teacher, images, prompt, uncertain, flips=True))]
        views += [softmax(_with_prompt(teacher, enlarged, prompt, spread))]
        views += [softmax(_with_prompt(teacher, enlarged, prompt, spread, flips=True))]
        sure = softmax(source(images)).amax(dim=1, keepdim=True) >= 0.5
        assert 0 < sure.sum() < sure.numel()
        return torch.where(sure, views[0], sum(views) / len(views)).argmax(dim=1)


def test_steps_and_predictions_are_those_of_the_plain_algorithm(build: Build, targets: list[Batch]) -> None:
    parts, plain = build({"method": SETTINGS}), build({"method": SETTINGS})
    method = Svdp(parts)
    student, teacher, source = plain.network.eval(), _copy(plain.network), _copy(plain.network)
    count = int(0.01 * targets[0].images[0, 0].numel())
    prompt = torch.randn((count, 3), generator=plain.initialization).requires_grad_()
    teachers = prompt.detach().clone()
    uncertain = DropoutUncertainty(3, 0.5, plain.initialization)
    own, averaged, original = (dict(net.named_parameters()) for net in (student, teacher, source))
    groups = [{"params": list(own.values())}, {"params": [prompt], "lr": 10.0}]
    optimizer = torch.optim.SGD(groups, lr=1e-2)
    for target in targets:
        log = method.step(target, StepPlan())
        # Rounding would change the order of pixels that are almost equally uncertain.
        uncertainty = method._uncertainty
        wanted = uncertain(teacher, teacher.encode_frozen(target.images))
        torch.testing.assert_close(uncertainty, wanted, rtol=1e-2, atol=1e-5)
        labels = _pseudo_labels(teacher, source, target.images, teachers, uncertainty)
        logits = _with_prompt(student, target.images, prompt, uncertainty)
        full = functional.interpolate(logits, labels.shape[-2:], mode="bilinear")
        loss = functional.cross_entropy(full, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        torch.testing.assert_close(log["consistency"], loss.detach(), rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(log["uncertainty"], uncertainty.mean(), rtol=1e-3, atol=1e-6)
        back = torch.zeros(sum(value.numel() for value in own.values()), dtype=torch.bool)
        back[successes(len(back), 0.2, plain.restoration)] = True
        alpha = 0.9 - float(uncertainty.mean())
        with torch.no_grad():
            teachers = alpha * teachers + (1 - alpha) * prompt
            for name, mask in zip(own, back.split([value.numel() for value in own.values()]), strict=True):
                averaged[name].lerp_(own[name], 0.1)
                own[name].copy_(torch.where(mask.view(own[name].shape), original[name], own[name]))
    first = torch.randn((count, 3), generator=build({"method": SETTINGS}).initialization)
    assert (prompt - first).abs().max() > 1e-2
    torch.testing.assert_close(method.state_dict()["prompt"], prompt.detach(), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(method.state_dict()["teacher_prompt"], teachers, rtol=1e-3, atol=1e-4)
    images = targets[1].images
    uncertainty = uncertain(method.teacher, teacher.encode_frozen(images))
    with torch.no_grad():
        wanted = _with_prompt(teacher, images, teachers, uncertainty)
    torch.testing.assert_close(method.predict(images), wanted, rtol=1e-3, atol=1e-3)


def test_the_prompt_learns_below_frozen_stages_and_alone(build: Build, targets: list[Batch]) -> None:
    changes = {"adapter": {"name": "adaptformer", "stages": [3]}, "model": {"freeze": "encoder"}}
    method = Svdp(build({"method": SETTINGS, **changes}))
    before = method.state_dict()["prompt"].clone()
    method.step(targets[0], StepPlan(first_stage=3))
    moved = method.state_dict()["prompt"] - before
    assert moved.abs().max() > 1e-3


@pytest.mark.parametrize("network", ["student", "teacher"])
def test_a_prediction_depends_on_its_frame_alone(network: str, build: Build, targets: list[Batch]) -> None:
    method = Svdp(build({"method": {**SETTINGS, "evaluated_network": network}}))
    method.step(targets[0], StepPlan())
    images = targets[1].images
    torch.testing.assert_close(method.predict(images)[1:], method.predict(images[1:]), rtol=1e-4, atol=1e-5)


def test_a_share_without_a_pixel_is_refused(build: Build) -> None:
    with pytest.raises(ValueError, match="would then have no prompted pixel; choose a share of"):
        Svdp(build({"method": {**SETTINGS, "prompt_share": 1e-6}}))


def test_a_network_without_a_classifier_is_refused(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segada.methods.svdp.classifiers", lambda _: [])
    with pytest.raises(ValueError, match="no convolution with as many outputs as classes"):
        Svdp(build({"method": SETTINGS}))
