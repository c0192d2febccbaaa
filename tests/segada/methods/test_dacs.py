"""Tests of a DACS step against a plain implementation without shared encoder passes."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from norm_encoder import with_norm_encoder
from recipe_sections import recipe_section
from torch.nn import functional

from segada.controllers.base import StepPlan
from segada.core.rng import numpy_generator, torch_generator
from segada.data.batch import Batch, to_batch
from segada.data.frames import Frames
from segada.data.replay import ReplayBuffer
from segada.data.transforms.augment import jitter_and_blur
from segada.engine.run_data import RunData, prepare_data
from segada.methods.base import MethodParts
from segada.methods.dacs import Dacs
from segada.models.build import bare_segmentor, build_segmentor
from segada.models.learning import learning_parameters
from segada.models.preprocessing import Preprocessing
from segada.models.segmentor import Segmentor
from segada.models.weights import save_weights
from segada.settings import RunSettings
from segada.settings.dacs import DacsSettings

METHOD = DacsSettings(
    pseudo_threshold=0.05,
    clean_weight=0.7,
    mix_weight=1.3,
    source_fdist_lambda=0.2,
    fdist_classes="all",
    target_fdist_lambda=0.3,
    entropy_weight=0.4,
)

PLACEMENTS: dict[str, dict[str, object]] = {
    "everything learns": {},
    "two frozen stages": {"adapter": {"name": "adaptformer", "stages": [2, 3]}, "model": {"freeze": "encoder"}},
    "nothing frozen before the first adapter": {"adapter": {"name": "adaptformer"}, "model": {"freeze": "everything"}},
}

VARIANTS: dict[str, dict[str, object]] = {
    "all terms": {},
    "two terms": {"source_fdist_lambda": 0.0, "target_fdist_lambda": 0.0, "entropy_weight": 0.0},
    "distance alone": {"clean_weight": 0.0, "mix_weight": 0.0, "entropy_weight": 0.0},
    "distance on things": {"fdist_classes": "things", "fdist_min_share": 0.5},
    "target frames alone": {"mixing": "target_only"},
    "ground truth": {"target_labels": "ground_truth", "pseudo_ignore_top": 0.25},
    "ground truth of target frames alone": {"mixing": "target_only", "target_labels": "ground_truth"},
    "ignored rows": {"pseudo_ignore_top": 0.25, "pseudo_ignore_bottom": 0.125},
    "classes drawn for each frame": {"class_draw": "per_frame"},
    "classes drawn from each frame": {"class_draw": "own"},
    "jitter as in kornia": {"color": {"adjustments": "kornia"}},
    "windows and flips": {"window": {"size": [32, 32], "class_share": 1.0}, "flip_probability": 0.5},
}
RECIPES = ("dacs_gta", "daformer_gta", "hamlet_rain")
# Windows of these recipes are as high as the frames; their reference and parts are of other networks than the tiny one.
TINY = {"window": {"size": [32, 32], "class_share": 1.0}, "reference_checkpoint": None, "optimizer": {}}
VARIANTS |= {f"recipe {name}": {**recipe_section(name, "method"), **TINY} for name in RECIPES}
CASES = [("everything learns", variant) for variant in VARIANTS]
CASES += [(placement, "all terms") for placement in PLACEMENTS if placement != "everything learns"]


@pytest.fixture(scope="module")
def run_data(tiny_run: dict[str, object]) -> RunData:
    prepared = prepare_data(RunSettings.model_validate(tiny_run))
    labels = prepared.source.labels.copy()
    # Frames of 32x64 have two cells: in every other frame one shows a car.
    labels[::2, :, :32] = 13
    return replace(prepared, source=Frames(prepared.source.images, labels))


def _parts(
    tiny_run: dict[str, object], run_data: RunData, placement: str = "everything learns", **method: object
) -> MethodParts:
    asked = {"method": {**METHOD.model_dump(), **method}, "logging": {"frames": False}}
    settings = RunSettings.model_validate({**tiny_run, **asked, **PLACEMENTS[placement]})
    return MethodParts(
        settings,
        build_segmentor(settings.model, settings.adapter, torch_generator(0, "initialisation")),
        ReplayBuffer(run_data.source, settings.stream.replay, 19, numpy_generator(0, "replay")),
        torch_generator(0, "class_mix"),
        torch_generator(0, "augmentation"),
        torch_generator(0, "restoration"),
        torch_generator(0, "initialisation"),
        torch_generator(0, "source_frames"),
        torch_generator(0, "masking"),
        torch_generator(0, "windows"),
    )


def _shown(parts: MethodParts) -> MethodParts:
    logged = parts.settings.model_copy(update={"logging": parts.settings.logging.model_copy(update={"mix_panels": 1})})
    return replace(parts, settings=logged)


def _target(run_data: RunData) -> Batch:
    batch = to_batch(run_data.visited["200mm"], torch.arange(4).numpy())
    batch.labels[:, :, :5] = 255
    return batch


def _moved(network: Segmentor) -> Segmentor:
    """Moves the student away from the static model: where both agree, a norm's gradient depends on rounding."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in learning_parameters(network).values():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return network


def _cross_entropy(logits: torch.Tensor, labels: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    full = functional.interpolate(logits, size=labels.shape[-2:], mode="bilinear", align_corners=False)
    return (functional.cross_entropy(full, labels, ignore_index=255, reduction="none") * weight).mean()


def _distance(student: Segmentor, static: Segmentor, images: torch.Tensor) -> torch.Tensor:
    """Returns the feature distance of each cell, [B, h, w]."""
    with torch.no_grad():
        reference = static.encode(images)[-1]
    return (student.encode(images)[-1] - reference).norm(dim=1)


def _learned_from(parts: MethodParts, source: Batch, target: Batch, logits: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Returns images, labels and weight of the mix term."""
    settings = parts.settings.method
    assert isinstance(settings, DacsSettings)
    confidence, labels = logits.softmax(1).max(1)
    weight = (confidence >= settings.pseudo_threshold).float().mean().expand(labels.shape).clone()
    weight[:, : round(settings.pseudo_ignore_top * 32)] = 0
    weight[:, 32 - round(settings.pseudo_ignore_bottom * 32) :] = 0
    if settings.target_labels == "ground_truth":
        labels, weight = target.labels, torch.ones(labels.shape)
    if settings.mixing == "target_only":
        return target.images, labels, weight
    pasted = torch.zeros(labels.shape, dtype=torch.bool)
    for frame in range(4):
        present = (source.labels[frame] if settings.class_draw == "own" else source.labels).unique()
        count = int((len(present) + len(present) % 2) * settings.mix_ratio)
        if frame == 0 or settings.class_draw != "once":
            chosen = present[torch.randperm(len(present), generator=parts.class_mix)[:count]]
        pasted[frame] = torch.isin(source.labels[frame], chosen)
    mixed = source.images * pasted.unsqueeze(1) + target.images * ~pasted.unsqueeze(1)
    return (
        jitter_and_blur(mixed, settings.color, parts.augmentation),
        torch.where(pasted, source.labels, labels),
        torch.where(pasted, torch.ones(()), weight),
    )


def _window(batch: Batch, settings: DacsSettings, generator: torch.Generator) -> Batch:
    """Returns windows as high as the frames, 32 pixels wide, some of them mirrored."""
    places, flips = torch.rand(4, 201, generator=generator), torch.rand(4, 4, generator=generator)
    if settings.window.size is None:
        return batch
    images, labels = batch.images.clone()[..., :32], batch.labels.clone()[..., :32]
    for frame in range(4):
        left = int(places[frame, 2] * 33)
        columns = torch.arange(left, left + 32)
        if flips[frame, 3] < settings.flip_probability:
            columns = columns.flip(0)
        images[frame], labels[frame] = batch.images[frame, :, :, columns], batch.labels[frame, :, columns]
    return Batch(images, labels)


def _is_thing(labels: list[int], least: float) -> bool:
    most = max(set(labels), key=labels.count)
    return most in {6, 7, *range(11, 19)} and labels.count(most) >= least * len(labels)


def _plain_losses(parts: MethodParts, target: Batch, static: Segmentor) -> dict[str, torch.Tensor]:
    """Computes the losses with gradients that reach the moved student."""
    settings = parts.settings.method
    assert isinstance(settings, DacsSettings)
    student = _moved(parts.network).train()
    teacher = copy.deepcopy(student)
    source = _window(parts.replay.next_batch(len(target.images)), settings, parts.windows)
    target = _window(target, settings, parts.windows)
    with torch.no_grad():
        logits = teacher(target.images)
    logits = functional.interpolate(logits, size=target.labels.shape[-2:], mode="bilinear", align_corners=False)
    images, labels, weight = _learned_from(parts, source, target, logits)
    kept = torch.ones(4, 1, source.labels.shape[-1] // 32, dtype=torch.bool)
    if settings.fdist_classes == "things":
        cells = [labels.flatten(1).tolist() for labels in source.labels.split(32, dim=-1)]
        kept = torch.tensor(
            [[[_is_thing(cell[frame], settings.fdist_min_share) for cell in cells]] for frame in range(4)]
        )
    probability = student(target.images).softmax(1)
    losses = {
        "clean": settings.clean_weight
        * _cross_entropy(student(source.images), source.labels, torch.ones(source.labels.shape)),
        "mix": settings.mix_weight * _cross_entropy(student(images), labels, weight),
        "source_feature_distance": settings.source_fdist_lambda
        * (_distance(student, static, source.images) * kept).sum()
        / kept.sum().clamp(min=1),
        "target_feature_distance": settings.target_fdist_lambda * _distance(student, static, target.images).mean(),
        "entropy": settings.entropy_weight * -(probability * probability.log()).sum(1).mean(),
    }
    return {name: losses[name] for name, weight in settings.term_weights().items() if weight > 0}


def _assert_equal_to_plain(parts: MethodParts, plain: MethodParts, target: Batch, static: Segmentor) -> None:
    """Asserts equal losses by name and equal gradients of every parameter."""
    wanted = _plain_losses(plain, target, static)
    torch.stack(list(wanted.values())).sum().backward()  # type: ignore[no-untyped-call]
    method = Dacs(parts)
    _moved(parts.network)
    log = method.step(target, StepPlan(0.0))
    assert set(log) == {*wanted, "sure_share"}
    for name, loss in wanted.items():
        torch.testing.assert_close(log[name], loss.detach(), rtol=1e-4, atol=1e-6)
    gradients = {name: value.grad for name, value in plain.network.named_parameters() if value.grad is not None}
    found = {name: value.grad for name, value in parts.network.named_parameters() if value.grad is not None}
    assert found.keys() == gradients.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(
            gradient, gradients[name], rtol=2e-3, atol=2e-6, msg=lambda text, n=name: f"{n}: {text}"
        )


@pytest.mark.parametrize(("placement", "variant"), CASES)
def test_losses_and_gradients_are_those_of_the_plain_algorithm(
    placement: str, variant: str, tiny_run: dict[str, object], run_data: RunData
) -> None:
    parts, plain = (_parts(tiny_run, run_data, placement, **VARIANTS[variant]) for _ in range(2))
    _assert_equal_to_plain(parts, plain, _target(run_data), copy.deepcopy(plain.network).eval())


@pytest.mark.parametrize("mixing", ["class_mix", "target_only"])
def test_an_encoder_with_batch_norm_sees_each_kind_of_frames_by_itself(
    mixing: str, tiny_run: dict[str, object], run_data: RunData
) -> None:
    parts, plain = (with_norm_encoder(_parts(tiny_run, run_data, mixing=mixing)) for _ in range(2))
    _assert_equal_to_plain(parts, plain, _target(run_data), copy.deepcopy(plain.network).eval())


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_the_static_model_may_have_the_encoder_of_another_checkpoint(
    placement: str, tiny_run: dict[str, object], run_data: RunData, tmp_path: Path
) -> None:
    file = tmp_path / "reference.safetensors"
    reference = bare_segmentor(RunSettings.model_validate(tiny_run).model, torch_generator(7, "initialisation"))
    # As an ImageNet checkpoint: an encoder without a head, and not a word about itself.
    encoder = {name: value.contiguous() for name, value in reference.storable().items() if name.startswith("encoder.")}
    safetensors.torch.save_file(encoder, file)
    parts, plain = (_parts(tiny_run, run_data, placement, reference_checkpoint=str(file)) for _ in range(2))
    before = {name: value.detach().clone() for name, value in parts.network.state_dict().items()}
    Dacs(parts)
    assert all(torch.equal(value, before[name]) for name, value in parts.network.state_dict().items())
    _assert_equal_to_plain(parts, plain, _target(run_data), reference.eval())


def test_the_static_model_reads_frames_by_its_own_preprocessing(
    tiny_run: dict[str, object], run_data: RunData, tmp_path: Path
) -> None:
    file = tmp_path / "reference.safetensors"
    reference = bare_segmentor(RunSettings.model_validate(tiny_run).model, torch_generator(7, "initialisation"))
    reference.prepare(Preprocessing((0.5, 0.4, 0.3), (0.5, 0.5, 0.5), "bgr"))
    save_weights(reference, file, "")
    parts, plain = (_parts(tiny_run, run_data, reference_checkpoint=str(file)) for _ in range(2))
    _assert_equal_to_plain(parts, plain, _target(run_data), reference.eval())


def test_a_reference_of_another_encoder_is_refused(
    tiny_run: dict[str, object], run_data: RunData, tmp_path: Path
) -> None:
    file = tmp_path / "other.safetensors"
    model = RunSettings.model_validate({**tiny_run, "model": {"encoder": "mit_b0"}}).model
    save_weights(bare_segmentor(model, torch_generator(0, "initialisation")), file, "0123456789")
    said = (
        r"other\.safetensors \(segada\) holds weights for model\.encoder mit_b0.* another method\.reference_checkpoint"
    )
    with pytest.raises(ValueError, match=said):
        Dacs(_parts(tiny_run, run_data, reference_checkpoint=str(file)))
    with pytest.raises(ValueError, match=r"^method\.reference_checkpoint: there is no file gone\.safetensors"):
        Dacs(_parts(tiny_run, run_data, reference_checkpoint="gone.safetensors"))


def test_no_thing_in_the_source_costs_nothing(tiny_run: dict[str, object], run_data: RunData) -> None:
    empty = Frames(run_data.source.images, run_data.source.labels * 0)
    parts = _parts(
        tiny_run,
        replace(run_data, source=empty),
        clean_weight=0.0,
        mix_weight=0.0,
        entropy_weight=0.0,
        target_fdist_lambda=0.0,
        fdist_classes="things",
    )
    method = Dacs(parts)
    _moved(parts.network)
    assert method.step(_target(run_data), StepPlan(0.0))["source_feature_distance"] == 0.0
    gradients = [value.grad for value in parts.network.parameters() if value.grad is not None]
    assert gradients
    assert all(torch.equal(gradient, torch.zeros_like(gradient)) for gradient in gradients)


def test_a_step_without_any_weight_learns_nothing(tiny_run: dict[str, object], run_data: RunData) -> None:
    weights = ("clean_weight", "mix_weight", "entropy_weight", "source_fdist_lambda", "target_fdist_lambda")
    parts = _parts(tiny_run, run_data, **dict.fromkeys(weights, 0.0))
    before = {name: value.detach().clone() for name, value in parts.network.named_parameters()}
    assert set(Dacs(parts).step(_target(run_data), StepPlan())) == {"sure_share"}
    assert all(torch.equal(value, before[name]) for name, value in parts.network.named_parameters())


def test_teacher_keeps_statistics_of_target_frames_only(tiny_run: dict[str, object], run_data: RunData) -> None:
    target = _target(run_data)
    parts = _parts(tiny_run, run_data)
    reference = copy.deepcopy(parts.network).train()
    method = Dacs(parts)
    for _ in range(3):
        method.step(target, StepPlan(0.0))
        with torch.no_grad():
            reference(target.images)
    wanted = dict(reference.named_buffers())
    for name, value in method.evaluated_network.named_buffers():
        torch.testing.assert_close(value, wanted[name])


def test_the_teacher_follows_at_the_start_of_each_of_ten_steps(tiny_run: dict[str, object], run_data: RunData) -> None:
    parts = _parts(tiny_run, run_data, ema_alpha=0.75)
    method = Dacs(parts)
    name = "head.linear_pred.weight"
    student, teacher = parts.network.get_parameter(name), method.evaluated_network.get_parameter(name)
    wanted = student.detach().clone()
    for step in range(10):
        alpha = (0.0, 1 / 2, 2 / 3, 3 / 4)[min(step, 3)]
        wanted = alpha * wanted + (1 - alpha) * student.detach()
        method.step(_target(run_data), StepPlan())
        torch.testing.assert_close(teacher, wanted, rtol=1e-5, atol=1e-7)
    assert not torch.equal(teacher, student)


def test_without_a_distance_no_static_model_is_held(tiny_run: dict[str, object], run_data: RunData) -> None:
    off = {"source_fdist_lambda": 0.0, "target_fdist_lambda": 0.0}
    assert Dacs(_parts(tiny_run, run_data))._static is not None
    assert Dacs(_parts(tiny_run, run_data, **off))._static is None
    assert Dacs(_parts(tiny_run, run_data, **off, reference_checkpoint="streets_tiny"))._static is None


def test_the_plan_s_share_takes_the_place_of_the_mix_ratio(tiny_run: dict[str, object], run_data: RunData) -> None:
    method = Dacs(_shown(_parts(tiny_run, run_data, mix_ratio=0.5)))
    shares = []
    for ratio in (0.0, None, 1.0):
        method.step(_target(run_data), StepPlan(0.0, mix_ratio=ratio))
        pictures = method.pictures()
        assert pictures is not None
        shares.append(pictures.mixed.pasted.float().mean().item())
    assert shares[0] == 0.0
    assert 0.0 < shares[1] < 1.0
    assert shares[2] == 1.0


def test_pictures_are_of_what_was_learned_from(tiny_run: dict[str, object], run_data: RunData) -> None:
    target = _target(run_data)
    method = Dacs(_shown(_parts(tiny_run, run_data, target_labels="ground_truth", pseudo_ignore_top=0.5)))
    assert method.pictures() is None
    method.step(target, StepPlan(0.0))
    pictures = method.pictures()
    assert pictures is not None
    mixed = pictures.mixed
    assert torch.equal(pictures.target, target.images)
    assert torch.equal(mixed.labels, torch.where(mixed.pasted, pictures.source.labels, target.labels))
    assert torch.equal(mixed.weight, torch.ones(4, 32, 64))
    assert not torch.equal(pictures.pseudo_labels, target.labels)
    assert pictures.cells.shape == (4, 1, 2)
    assert pictures.distant.all()


def test_pictures_say_where_the_source_distance_counted(tiny_run: dict[str, object], run_data: RunData) -> None:
    things = {"fdist_classes": "things", "fdist_min_share": 0.5}
    counted = []
    for weight in (0.2, 0.0):
        method = Dacs(_shown(_parts(tiny_run, run_data, **things, source_fdist_lambda=weight)))
        method.step(_target(run_data), StepPlan(0.0))
        pictures = method.pictures()
        assert pictures is not None
        counted.append(pictures.distant)
    assert torch.equal(counted[0], pictures.cells == 13)
    assert counted[0].any()
    assert not counted[1].any()


def test_nothing_is_kept_to_be_shown_unless_it_is_asked_for(tiny_run: dict[str, object], run_data: RunData) -> None:
    method = Dacs(_parts(tiny_run, run_data))
    method.step(_target(run_data), StepPlan(0.0))
    assert method.pictures() is None


@pytest.mark.parametrize("method", [{"mixing": "target_only"}, {"mix_weight": 0.0}], ids=str)
def test_what_is_not_mixed_draws_nothing(
    method: dict[str, object], tiny_run: dict[str, object], run_data: RunData
) -> None:
    target = _target(run_data)
    parts = _shown(_parts(tiny_run, run_data, **method))
    before = parts.class_mix.get_state(), parts.augmentation.get_state()
    dacs = Dacs(parts)
    dacs.step(target, StepPlan(0.0))
    pictures = dacs.pictures()
    assert pictures is not None
    assert torch.equal(pictures.mixed.images, target.images)
    assert not pictures.mixed.pasted.any()
    assert torch.equal(parts.class_mix.get_state(), before[0])
    assert torch.equal(parts.augmentation.get_state(), before[1])
