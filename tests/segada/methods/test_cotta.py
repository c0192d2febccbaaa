"""Tests of CoTTA: three steps against a plain implementation."""

import copy

import pytest
import torch
from method_parts import Build
from recipe_sections import recipe_section
from torch import Tensor
from torch.nn import functional

from segada.controllers.base import StepPlan
from segada.data.batch import Batch, to_batch
from segada.engine.run_data import RunData
from segada.methods.base import MethodParts
from segada.methods.cotta import Cotta
from segada.models.segmentor import Segmentor
from segada.selftraining.restoration import successes
from segada.settings.cotta import CottaSettings

SETTINGS = {
    "name": "cotta",
    "optimizer": {"lr": 1e-3, "weight_decay": 0.0},
    "ema_alpha": 0.9,
    "confidence_threshold": 0.5,
    "scales": [1.5, 2.0],
    "restore": 0.2,
}
HARD = {**SETTINGS, "pseudo_labels": "hard"}
# In views below the frame's size an image would be too small here; at the published threshold no pixel is sure.
RECIPE = {**recipe_section("cotta_acdc", "method"), "scales": [1.5, 2.0], "confidence_threshold": 0.5}
FOLLOWED = {**SETTINGS, "batch_norm": {"statistics": "follow"}}
PLACEMENTS: dict[str, dict[str, object]] = {
    "everything learns": {},
    "two frozen stages": {"adapter": {"name": "adaptformer", "stages": [2, 3]}, "model": {"freeze": "encoder"}},
}


@pytest.fixture
def targets(run_data: RunData) -> list[Batch]:
    return [to_batch(run_data.visited["200mm"], torch.arange(start, start + 2).numpy()) for start in (0, 2, 4)]


def _copy(network: Segmentor) -> Segmentor:
    return copy.deepcopy(network, {id(network.encoder.generator): None})


def _plain_pseudo_labels(
    teacher: Segmentor, source: Segmentor, images: Tensor, *, follows: bool, hard: bool = False
) -> Tensor:
    """Returns probabilities at the resolution of the logits; at that of the frames if they are for hard labels."""
    height, width = images.shape[-2:]
    size = (height, width) if hard else (height // 4, width // 4)

    def softmax(logits: Tensor) -> Tensor:
        return functional.interpolate(logits, size, mode="bilinear").softmax(dim=1)

    with torch.no_grad():
        direct = softmax(teacher.train(follows)(images))
        teacher.eval()
        averaged = [direct, softmax(teacher(images.flip(-1)).flip(-1))]
        for scale in (1.5, 2.0):
            larger = functional.interpolate(images, (int(height * scale), int(width * scale)), mode="bilinear")
            for mirrored in (False, True):
                logits = teacher(larger.flip(-1) if mirrored else larger)
                averaged.append(softmax(logits.flip(-1) if mirrored else logits))
        sure = softmax(source.eval()(images)).max(dim=1).values >= 0.5
        assert 0 < sure.sum() < sure.numel()
        return torch.where(sure[:, None], direct, sum(averaged) / len(averaged))


def _plain_loss(logits: Tensor, pseudo_labels: Tensor, *, hard: bool) -> Tensor:
    if not hard:
        return -(pseudo_labels * logits.log_softmax(dim=1)).sum(dim=1).mean()
    full = functional.interpolate(logits, pseudo_labels.shape[-2:], mode="bilinear")
    return functional.cross_entropy(full, pseudo_labels.argmax(dim=1))


def _plain_run(
    parts: MethodParts, targets: list[Batch], *, follows: bool, hard: bool
) -> tuple[Segmentor, Segmentor, list[float]]:
    """Returns student, teacher and losses after a step on each batch, with batch norms that follow the batches or with
    every network in evaluation mode."""
    student, teacher, source = parts.network, _copy(parts.network), _copy(parts.network)
    learning = [name for name, value in student.named_parameters() if value.requires_grad]
    own, averaged, original = (dict(net.named_parameters()) for net in (student, teacher, source))
    settings = parts.settings.method
    assert isinstance(settings, CottaSettings)
    # The authors' Adam, which has no weight decay.
    optimizer = torch.optim.Adam([own[name] for name in learning], lr=settings.optimizer.lr, betas=(0.9, 0.999))
    losses = []
    for target in targets:
        pseudo_labels = _plain_pseudo_labels(teacher, source, target.images, follows=follows, hard=hard)
        loss = _plain_loss(student.train(follows)(target.images), pseudo_labels, hard=hard)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
        back = torch.zeros(sum(own[name].numel() for name in learning), dtype=torch.bool)
        back[successes(len(back), settings.restore, parts.restoration)] = True
        with torch.no_grad():
            for name, mask in zip(learning, back.split([own[name].numel() for name in learning]), strict=True):
                averaged[name].lerp_(own[name], 1 - settings.ema_alpha)
                own[name].copy_(torch.where(mask.view(own[name].shape), original[name], own[name]))
    return student, teacher, losses


@pytest.mark.parametrize(
    "method_settings", [SETTINGS, FOLLOWED, HARD, RECIPE], ids=["frozen", "follow", "hard", "recipe cotta_acdc"]
)
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_steps_are_those_of_the_plain_algorithm(
    placement: str, method_settings: dict[str, object], build: Build, targets: list[Batch]
) -> None:
    changes = {"method": method_settings, **PLACEMENTS[placement]}
    student, teacher, losses = _plain_run(
        build(changes), targets, follows=method_settings is FOLLOWED, hard=method_settings in (HARD, RECIPE)
    )

    parts = build(changes)
    method = Cotta(parts)
    logs = [method.step(target, StepPlan()) for target in targets]

    assert [float(log["consistency"]) for log in logs] == pytest.approx(losses, rel=1e-4)
    for wanted, found in ((student, method.student), (teacher, method.evaluated_network)):
        reference = dict(wanted.named_parameters()) | dict(wanted.named_buffers())
        # AdamW's first steps are as long as the rate however small a gradient is: where rounding decides its sign, a
        # number may be off by two steps.
        off = [
            (value - reference[name]).detach().abs().flatten()
            for name, value in [*found.named_parameters(), *found.named_buffers()]
            if value.is_floating_point()
        ]
        assert torch.cat(off).quantile(0.995) < 1e-5
        assert torch.cat(off).max() < 7e-3


def test_the_averaged_prediction_is_the_masked_composite_of_direct_and_averaged_probabilities(
    build: Build, targets: list[Batch]
) -> None:
    changes = {"method": {**HARD, "prediction": "averaged"}}
    method = Cotta(build(changes))
    for target in targets[:2]:
        method.step(target, StepPlan())
    teacher, source = _copy(method.evaluated_network), build(changes).network
    wanted = _plain_pseudo_labels(teacher, source, targets[2].images, follows=False, hard=True)
    found = method.predict(targets[2].images)
    assert found.shape == (2, 19, *targets[2].images.shape[-2:])
    torch.testing.assert_close(found.softmax(dim=1), wanted, rtol=1e-4, atol=1e-6)
    direct = Cotta(build({"method": HARD})).predict(targets[2].images)
    assert direct.shape[-2:] == (found.shape[-2] // 4, found.shape[-1] // 4)


def test_the_student_s_prediction_is_not_averaged(build: Build) -> None:
    with pytest.raises(ValueError, match=r"method\.prediction is 'averaged', which is the teacher's"):
        build({"method": {**SETTINGS, "prediction": "averaged", "evaluated_network": "student"}})


def test_restoring_everything_leaves_the_source_model(build: Build, targets: list[Batch]) -> None:
    parts = build({"method": {**SETTINGS, "restore": 1.0}})
    before = {name: value.detach().clone() for name, value in parts.network.named_parameters()}
    method = Cotta(parts)
    method.step(targets[0], StepPlan())
    assert all(torch.equal(value, before[name]) for name, value in method.student.named_parameters())
    assert not all(torch.equal(value, before[name]) for name, value in method.evaluated_network.named_parameters())


def test_what_a_step_holds_back_is_not_restored(build: Build, targets: list[Batch]) -> None:
    parts = build({"method": {**SETTINGS, "restore": 1.0}})
    method = Cotta(parts)
    with torch.no_grad():
        for parameter in method.student.parameters():
            parameter.add_(0.01)
    before = {name: value.detach().clone() for name, value in method.student.named_parameters()}
    method.step(targets[0], StepPlan(first_stage=2))
    moved = {name for name, value in method.student.named_parameters() if not torch.equal(value, before[name])}
    assert moved == set(before) - method.held_back(StepPlan(first_stage=2))


def test_no_views_are_made_where_the_source_model_is_sure(build: Build, targets: list[Batch]) -> None:
    seen = []
    for threshold in (0.0, 1.0):
        method = Cotta(build({"method": {**SETTINGS, "confidence_threshold": threshold}}))
        passes: list[torch.Size] = []
        method.evaluated_network.head.register_forward_hook(
            lambda _module, _args, out, passes=passes: passes.append(out.shape)
        )
        log = method.step(targets[0], StepPlan())
        assert float(log["sure_share"]) == 1.0 - threshold
        seen.append([tuple(shape[-2:]) for shape in passes])
    assert seen == [[(8, 16)], [(8, 16), (8, 16), *[(12, 24)] * 2, *[(16, 32)] * 2]]


def test_no_source_frame_is_read(build: Build, targets: list[Batch]) -> None:
    parts = build({"method": SETTINGS})
    drawn = parts.replay.state_dict()
    log = Cotta(parts).step(targets[0], StepPlan())
    assert parts.replay.state_dict() == drawn
    assert set(log) == {"consistency", "sure_share"}


def test_views_that_are_too_small_are_refused(build: Build) -> None:
    with pytest.raises(ValueError, match=r"method\.scales has 0\.5, but data\.size 32 x 64 .* choose scales from 1 on"):
        Cotta(build({"method": {**SETTINGS, "scales": [0.5, 2.0]}}))


def test_pixels_of_which_a_class_is_impossible_count_in_the_term_on_masked_frames(
    build: Build, targets: list[Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Probabilities that are 0 in float32 have no logarithm that could be enlarged: it made all pixels unsure."""
    masked = {"weight": 1.0, "pseudo_threshold": 0.1}
    method = Cotta(build({"method": {**SETTINGS, "masked_consistency": masked}}))
    sure = torch.zeros(2, 19, 8, 16)
    sure[:, 3, :, :8] = 1.0
    sure[:, 4, :, 8:] = 1.0
    confident = torch.ones(2, 8, 16, dtype=torch.bool)
    monkeypatch.setattr(method, "pseudo_labels", lambda *_, **__: (sure, confident))
    assert method.step(targets[0], StepPlan())["masked"] > 0.1
