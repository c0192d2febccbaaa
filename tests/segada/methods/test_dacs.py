"""One DACS step against the plain algorithm: separate passes, one term after the other, no shared encoder pass."""

import copy

import pytest
import torch
from torch.nn import functional

from segada.data.augment import jitter_and_blur
from segada.data.batch import Batch, to_batch
from segada.data.replay import ReplayBuffer
from segada.material import Material, prepare
from segada.methods.base import MethodParts
from segada.methods.dacs import Dacs
from segada.models.build import build_segmentor
from segada.models.learning import learning_parameters
from segada.models.segmentor import Segmentor
from segada.modulation.base import StepPlan
from segada.randomness import numpy_generator, torch_generator
from segada.settings import RunSettings
from segada.settings.dacs import DacsSettings
from segada.settings.learning import ColourSettings

METHOD = DacsSettings(
    threshold=0.05,
    clean_weight=0.7,
    mix_weight=1.3,
    source_feature_distance=0.2,
    feature_distance_classes="all",
    target_feature_distance=0.3,
)


@pytest.fixture(scope="module")
def material(tiny_run: dict[str, object]) -> Material:
    return prepare(RunSettings.model_validate(tiny_run))


PLACEMENTS: dict[str, dict[str, object]] = {
    "everything learns": {},
    "two frozen stages": {"adapter": {"name": "adaptformer", "stages": [2, 3]}, "model": {"freeze": "encoder"}},
    "nothing frozen before the first adapter": {"adapter": {"name": "adaptformer"}, "model": {"freeze": "everything"}},
}


def _parts(tiny_run: dict[str, object], material: Material, placement: str = "everything learns") -> MethodParts:
    settings = RunSettings.model_validate({**tiny_run, "method": METHOD.model_dump(), **PLACEMENTS[placement]})
    return MethodParts(
        settings,
        build_segmentor(settings.model, settings.adapter, torch_generator(0, "initialisation")),
        ReplayBuffer(material.source, settings.stream.replay, numpy_generator(0, "replay")),
        torch_generator(0, "class_mix"),
        torch_generator(0, "augmentation"),
    )


def _moved(network: Segmentor) -> Segmentor:
    """Away from the static model: where the two agree, a norm's gradient points wherever rounding says."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in learning_parameters(network).values():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return network


def _cross_entropy(logits: torch.Tensor, labels: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    full = functional.interpolate(logits, size=labels.shape[-2:], mode="bilinear", align_corners=False)
    return (functional.cross_entropy(full, labels, ignore_index=255, reduction="none") * weight).mean()


def _plain_gradients(parts: MethodParts, target: torch.Tensor) -> dict[str, torch.Tensor]:
    static = copy.deepcopy(parts.network).eval()
    student = _moved(parts.network).train()
    teacher = copy.deepcopy(student)
    source: Batch = parts.replay.next_batch(len(target))
    with torch.no_grad():
        logits = functional.interpolate(teacher(target), size=target.shape[-2:], mode="bilinear", align_corners=False)
        confidence, pseudo = logits.softmax(1).max(1)
    sure = (confidence >= METHOD.threshold).float().mean()

    present = source.labels.unique()
    count = int((len(present) + len(present) % 2) * METHOD.mix_ratio)
    chosen = present[torch.randperm(len(present), generator=parts.class_mix)[:count]]
    pasted = torch.isin(source.labels, chosen)
    mixed = source.images * pasted.unsqueeze(1) + target * ~pasted.unsqueeze(1)
    mixed = jitter_and_blur(mixed, ColourSettings(), parts.augmentation)
    mixed_labels = torch.where(pasted, source.labels, pseudo)
    weight = torch.where(pasted, torch.ones(()), sure)

    def last_map(network: Segmentor, images: torch.Tensor) -> torch.Tensor:
        return network.encode_rest(network.encode_frozen(images))[-1]

    ones = torch.ones_like(weight)
    loss = METHOD.clean_weight * _cross_entropy(student(source.images), source.labels, ones)
    loss = loss + METHOD.mix_weight * _cross_entropy(student(mixed), mixed_labels, weight)
    for images, factor in (
        (source.images, METHOD.source_feature_distance),
        (target, METHOD.target_feature_distance),
    ):
        loss = loss + factor * (last_map(student, images) - last_map(static, images).detach()).norm(dim=1).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    return {name: value.grad for name, value in student.named_parameters() if value.grad is not None}


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_gradients_are_those_of_the_plain_algorithm(
    placement: str, tiny_run: dict[str, object], material: Material
) -> None:
    target = to_batch(material.visited["200mm"], torch.arange(4).numpy())
    wanted = _plain_gradients(_parts(tiny_run, material, placement), target.images)
    parts = _parts(tiny_run, material, placement)
    method = Dacs(parts)
    _moved(parts.network)
    method.step(target, StepPlan(0.0))
    found = {name: value.grad for name, value in parts.network.named_parameters() if value.grad is not None}
    assert found.keys() == wanted.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(
            gradient, wanted[name], rtol=2e-3, atol=2e-6, msg=lambda text, n=name: f"{n}: {text}"
        )


def test_teacher_keeps_statistics_of_target_frames_only(tiny_run: dict[str, object], material: Material) -> None:
    target = to_batch(material.visited["200mm"], torch.arange(4).numpy())
    parts = _parts(tiny_run, material)
    reference = copy.deepcopy(parts.network).train()
    method = Dacs(parts)
    for _ in range(3):
        method.step(target, StepPlan(0.0))
        with torch.no_grad():
            reference(target.images)
    wanted = dict(reference.named_buffers())
    for name, value in method.scored.named_buffers():
        torch.testing.assert_close(value, wanted[name])


def test_without_a_distance_no_static_model_is_held(tiny_run: dict[str, object], material: Material) -> None:
    settings = RunSettings.model_validate({**tiny_run, "method": {"name": "dacs"}})
    parts = _parts(tiny_run, material)
    with_static, without = Dacs(parts), Dacs(MethodParts(settings, *_rest(_parts(tiny_run, material))))
    assert with_static._static is not None
    assert without._static is None


def _rest(parts: MethodParts) -> tuple[Segmentor, ReplayBuffer, torch.Generator, torch.Generator]:
    return parts.network, parts.replay, parts.class_mix, parts.augmentation
