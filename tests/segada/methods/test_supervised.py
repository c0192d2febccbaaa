"""Tests of supervised learning with a light exit: both exits together, and the light exit alone."""

from dataclasses import replace

import pytest
import torch
from method_parts import Build
from torch import Tensor
from torch.nn import functional

from segada.controllers.base import StepPlan
from segada.core.timer import StepTimer
from segada.data.batch import Batch, to_batch
from segada.engine.run_data import RunData, prepare_data
from segada.evaluation.evaluator import evaluate
from segada.methods.supervised import Supervised
from segada.models.build import build_segmentor
from segada.models.formats.reading import read_weights
from segada.models.learning import learning_parameters
from segada.settings import RunSettings
from segada.settings.checkpoint_path import find_checkpoint

LIGHT_ALONE = {
    "head": "multi_exit",
    "reinitialize": ["head.light_exit"],
    "freeze": "everything",
    "trainable_modules": ["head.light_exit"],
    "drop_path": 0.5,
}
METHOD = {
    "name": "supervised",
    "light_weight": 0.5,
    "crop": 1.0,
    "flip_probability": 0.0,
    "color": {"jitter": 0.0, "blur_probability": 0.0},
}


def supervised(build: Build, model: dict[str, object], **changes: object) -> Supervised:
    return Supervised(build({"model": model, "method": {**METHOD, **changes}}))


def batch(run_data: RunData) -> Batch:
    return to_batch(run_data.visited["clear"], torch.arange(4).numpy())


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Returns the mean over all pixels, of which ignored ones count as zero."""
    large = functional.interpolate(logits, labels.shape[-2:], mode="bilinear", align_corners=False)
    return functional.cross_entropy(large, labels, ignore_index=255, reduction="none").mean()


def test_both_exits_learn_from_the_same_frames(build: Build, run_data: RunData) -> None:
    model = {"head": "multi_exit", "reinitialize": ["head.light_exit"]}
    other = supervised(build, model)
    replayed = other._replay.next_batch(4)
    student = other.student.train()
    features = student.encode(replayed.images)
    expected = {
        "clean": cross_entropy(student.decode(features), replayed.labels),
        "light": 0.5 * cross_entropy(student.head.light(features[0]), replayed.labels),
    }

    method = supervised(build, model)
    before = {name: value.detach().clone() for name, value in learning_parameters(method.student).items()}
    log = method.step(batch(run_data), StepPlan())
    assert set(log) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(log[name], value.detach())
    assert all(not torch.equal(value, before[name]) for name, value in learning_parameters(method.student).items())
    assert set(log) == set(method._settings.loss_terms())


@pytest.mark.parametrize("light_weight", [0.0, 0.5])
def test_both_losses_reach_the_encoder(light_weight: float, build: Build, run_data: RunData) -> None:
    model = {"head": "multi_exit", "reinitialize": ["head.light_exit"]}
    other = supervised(build, model, light_weight=light_weight)
    replayed = other._replay.next_batch(4)
    student = other.student.train()
    features = student.encode(replayed.images)
    clean = cross_entropy(student.decode(features), replayed.labels)
    light = cross_entropy(student.head.light(features[0]), replayed.labels)
    learning = learning_parameters(student)
    wanted = torch.autograd.grad(clean + light_weight * light, list(learning.values()), allow_unused=True)

    method = supervised(build, model, light_weight=light_weight)
    method.step(batch(run_data), StepPlan(0.0))
    found = learning_parameters(method.student)
    for name, gradient in zip(learning, wanted, strict=True):
        own = found[name].grad
        expected = torch.zeros_like(found[name]) if gradient is None else gradient
        actual = torch.zeros_like(found[name]) if own is None else own
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-7, msg=lambda text, n=name: f"{n}: {text}")


@pytest.mark.parametrize(
    ("model", "parts"),
    [
        (
            {"head": "multi_exit", "reinitialize": ["head.light_exit"]},
            {"student's head", "training scores", "loss: clean"},
        ),
        (LIGHT_ALONE, set()),
    ],
)
def test_a_profile_has_every_part_of_a_step_once(
    model: dict[str, object], parts: set[str], build: Build, run_data: RunData
) -> None:
    timer = StepTimer()
    method = Supervised(replace(build({"model": model, "method": METHOD}), timer=timer))
    with timer.step():
        method.step(batch(run_data), StepPlan())
    (step,) = timer.steps
    light = {"student's light exit", "loss: light"}
    both = {"replay", "augmentation", "student's encoder", "backward and optimizer"}
    assert step.parts.keys() == both | light | parts
    assert all(len(times) == 1 for times in step.parts.values())


def test_light_exit_alone_learns_and_nothing_else_moves_or_runs(build: Build, run_data: RunData) -> None:
    method = supervised(build, LIGHT_ALONE)
    before = {name: value.clone() for name, value in method.student.state_dict().items()}
    ran: list[int] = []
    for index, stage in enumerate(method.student.encoder.stages):
        stage.register_forward_hook(lambda *_, index=index: ran.append(index))
    losses = [method.step(batch(run_data), StepPlan())["light"].item() for _ in range(12)]
    assert set(ran) == {0}
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])
    moved = {name for name, value in method.student.state_dict().items() if not torch.equal(value, before[name])}
    part = method.student.head.light_part()
    assert part is not None
    assert moved == {f"head.light_exit.{name}" for name in part.state_dict()}


def test_a_decoder_alone_learns_from_scratch_on_a_frozen_encoder(build: Build, run_data: RunData) -> None:
    method = supervised(build, {"freeze": "encoder", "reinitialize": ["head"]}, light_weight=0.0)
    before = {name: value.detach().clone() for name, value in method.student.named_parameters()}
    losses = [method.step(batch(run_data), StepPlan())["clean"].item() for _ in range(12)]
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])
    moved = {name for name, value in method.student.named_parameters() if not torch.equal(value, before[name])}
    assert moved == {name for name in before if name.startswith("head.")}
    assert method.student.encoder.frozen_stages() == 4


@pytest.mark.parametrize("model", [LIGHT_ALONE, {"head": "multi_exit", "reinitialize": ["head.light_exit"]}])
def test_a_light_exit_goes_with_consolidation(build: Build, run_data: RunData, model: dict[str, object]) -> None:
    method = supervised(build, model, consolidation={"weight": 1.0, "frames": 4})
    logs = [method.step(batch(run_data), StepPlan()) for _ in range(2)]
    assert all(value.isfinite() for log in logs for value in log.values())
    assert "consolidation" in logs[0]


@pytest.mark.parametrize(
    ("method", "controller", "message"),
    [
        (
            {"light_weight": 0.0},
            {},
            r"method\.light_weight is 0\.0, but only the light exit of this network learns; choose",
        ),
        (
            {},
            {"name": "hamlet", "modular": {"policy": "reward", "loss": "clean"}},
            r"controller\.modular\.loss is 'clean', but .* the main exit is not run; set it to light",
        ),
    ],
)
def test_what_goes_with_no_light_exit_alone_is_refused_by_the_builder(
    method: dict[str, object], controller: dict[str, object], message: str, build: Build
) -> None:
    model = {"head": "multi_exit", "reinitialize": ["head.light_exit"], "freeze": "encoder"}
    head = ["linear_c1", "linear_c2", "linear_c3", "linear_c4", "linear_fuse", "linear_pred"]
    section = {"controller": controller} if controller else {}
    parts = build({"model": {**model, "frozen_modules": head}, "method": {**METHOD, **method}, **section})
    with pytest.raises(ValueError, match=message):
        Supervised(parts)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"model": {}},
            r"method\.light_weight is 0\.5, but model\.head 'segformer' has no light exit; set model\.head",
        ),
        ({"model": LIGHT_ALONE, "method": {"name": "supervised"}}, "nothing learns: method.name is 'supervised'"),
        ({"model": LIGHT_ALONE, "method": {"name": "dacs"}}, "nothing learns: method.name is 'dacs'"),
        ({"model": {**LIGHT_ALONE, "trainable_modules": []}}, "nothing learns: method.name is 'supervised'"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RunSettings.model_validate({"method": METHOD, **changes})


def test_exceptions_from_freezing_are_something_that_learns() -> None:
    settings = RunSettings.model_validate({"model": {"freeze": "everything", "trainable_modules": ["norm1"]}})
    assert settings.model.trainable_modules == ("norm1",)


def test_shipped_light_exit_stands_on_the_shipped_network() -> None:
    plain, light = (read_weights(find_checkpoint(name)) for name in ("streets_tiny", "streets_tiny_multi_exit"))
    assert all(torch.equal(light.tensors[name], tensor) for name, tensor in plain.tensors.items())
    assert all(name.startswith("head.light_exit.") for name in set(light.tensors) - set(plain.tensors))
    assert light.tensors["head.light_exit.pred.weight"].dtype == torch.float16
    assert find_checkpoint("streets_tiny_multi_exit").stat().st_size <= 2**20


def test_shipped_light_exit_segments_clear_streets_and_fails_in_rain() -> None:
    settings = RunSettings.model_validate(
        {
            "data": {"splits": {"source": 4, "val": 16}},
            "model": {"head": "multi_exit", "checkpoint": "streets_tiny_multi_exit"},
            "stream": {"visits": ["clear", "200mm"], "frames": 1},
            "evaluation": {"split": "val"},
        }
    )
    held_out = prepare_data(settings).held_out
    network = build_segmentor(settings.model, settings.adapter, torch.Generator()).eval()
    clear, rain = (
        evaluate(lambda images: network.head.light(network.encode(images)[0]), held_out[name], 8).miou
        for name in ("clear", "200mm")
    )
    # 0.399 and 0.092 on 100 frames.
    assert clear > 0.3
    assert rain < 0.5 * clear
