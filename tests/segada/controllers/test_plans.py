"""Tests of a plan of stages: held-back parameters stay, and learning ones get the gradients of a whole pass."""

from collections.abc import Callable

import pytest
import torch

from segada.controllers.base import StepPlan
from segada.core.rng import numpy_generator, torch_generator
from segada.data.batch import Batch, to_batch
from segada.data.replay import ReplayBuffer
from segada.engine.run_data import RunData, prepare_data
from segada.methods.base import MethodParts
from segada.methods.dacs import Dacs
from segada.models.build import build_segmentor
from segada.settings import RunSettings

Build = Callable[..., tuple[Dacs, MethodParts]]


@pytest.fixture(scope="module")
def run_data(tiny_run: dict[str, object]) -> RunData:
    return prepare_data(RunSettings.model_validate(tiny_run))


@pytest.fixture
def target(run_data: RunData) -> Batch:
    return to_batch(run_data.visited["200mm"], torch.arange(4).numpy())


@pytest.fixture
def build(tiny_run: dict[str, object], run_data: RunData) -> Build:
    def built(**sections: object) -> tuple[Dacs, MethodParts]:
        settings = RunSettings.model_validate(
            {**tiny_run, "method": {"name": "dacs", "pseudo_threshold": 0.1}, **sections}
        )
        generators = (torch_generator(0, purpose) for purpose in ("class_mix", "augmentation", "restoration"))
        parts = MethodParts(
            settings,
            build_segmentor(
                settings.model, settings.adapter, torch_generator(0, "initialisation"), settings.image_adapter
            ),
            ReplayBuffer(run_data.source, settings.stream.replay, 19, numpy_generator(0, "replay")),
            *generators,
            torch_generator(0, "initialisation"),
            torch_generator(0, "source_frames"),
            torch_generator(0, "masking"),
            torch_generator(0, "windows"),
        )
        return Dacs(parts), parts

    return built


def _values(parts: MethodParts) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in parts.network.named_parameters()}


def _moved(parts: MethodParts, before: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, value in parts.network.named_parameters() if not torch.equal(value, before[name])}


def _gradients(parts: MethodParts) -> dict[str, torch.Tensor]:
    return {name: value.grad.clone() for name, value in parts.network.named_parameters() if value.grad is not None}


def test_before_the_first_stage_nothing_moves_and_moments_stay(build: Build, target: Batch) -> None:
    method, parts = build()
    method.step(target, StepPlan())
    before, moments = _values(parts), method.state_dict()["optimizer"]["state"]
    kept = {number: {key: value.clone() for key, value in entry.items()} for number, entry in moments.items()}
    method.step(target, StepPlan(first_stage=2))
    after = method.state_dict()["optimizer"]["state"]

    early = ("encoder.stages.0.", "encoder.stages.1.", "head.linear_c1.", "head.linear_c2.")
    moved = _moved(parts, before)
    # A bias whose gradient is 0, as that of keys under a softmax, moves in no step.
    assert moved
    assert not {name for name in moved if name.startswith(early)}
    assert {"encoder.stages.2.", "encoder.stages.3.", "head.linear_c3.", "head.linear_c4.", "head.linear_fuse."} <= {
        ".".join(name.split(".")[: 3 if name.startswith("encoder") else 2]) + "." for name in moved
    }
    still = {
        number for number in after if all(torch.equal(after[number][key], kept[number][key]) for key in kept[number])
    }
    held = [value for name, value in parts.network.named_parameters() if name.startswith(early)]
    assert len(still) == len(held)


@pytest.mark.parametrize("first_stage", [1, 2, 3])
def test_what_learns_has_the_gradients_of_a_whole_backward_pass(first_stage: int, build: Build, target: Batch) -> None:
    method, parts = build()
    method.step(target, StepPlan(0.0))
    whole = _gradients(parts)
    method, parts = build()
    method.step(target, StepPlan(0.0, first_stage=first_stage))
    found = _gradients(parts)
    held = method.held_back(StepPlan(first_stage=first_stage))
    assert found.keys() == whole.keys() - held
    assert len(held) > 10
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, whole[name], rtol=1e-4, atol=1e-7, msg=lambda text, n=name: f"{n}: {text}")


def test_fusion_and_classifier_can_be_held_back_as_in_hamlet(build: Build, target: Batch) -> None:
    method, parts = build()
    before = _values(parts)
    method.step(target, StepPlan(first_stage=1, trains_fusion=False))
    of_head = {".".join(name.split(".")[:2]) for name in _moved(parts, before) if name.startswith("head.")}
    assert of_head == {"head.linear_c2", "head.linear_c3", "head.linear_c4"}


def test_what_reads_the_images_is_held_back_with_the_first_stage(build: Build, target: Batch) -> None:
    method, parts = build(image_adapter={"name": "vit_adapter", "feeds_head": True}, model={"freeze": "encoder"})
    reader = parts.network.encoder.get_submodule("reader")
    recorded: list[bool] = []
    reader.register_forward_hook(lambda *_: recorded.append(torch.is_grad_enabled()))
    # The injector's factor starts at zero, behind which nothing has a gradient.
    method.step(target, StepPlan())
    assert any(recorded)
    recorded.clear()
    before = _values(parts)
    method.step(target, StepPlan(first_stage=1))
    assert not any(recorded)
    moved = _moved(parts, before)
    assert any(name.startswith("encoder.stages.2.prompt.") for name in moved)
    assert not any(name.startswith("encoder.reader.") for name in moved)
    method.step(target, StepPlan())
    assert any(name.startswith("encoder.reader.") for name in _moved(parts, before))


def test_a_plan_that_leaves_nothing_that_learns_moves_nothing_and_still_reports(build: Build, target: Batch) -> None:
    method, parts = build(adapter={"name": "adaptformer", "stages": [0]}, model={"freeze": "everything"})
    before = _values(parts)
    log = method.step(target, StepPlan(first_stage=3))
    assert set(log) >= {"clean", "mix"}
    assert _moved(parts, before) == set()
    assert method.state_dict()["optimizer"]["state"] == {}
    method.step(target, StepPlan())
    assert _moved(parts, before)


def test_what_is_held_back_is_worked_out_once_for_each_choice(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    method, parts = build()
    first = method.held_back(StepPlan(first_stage=1))
    monkeypatch.setattr(parts.network, "named_parameters", None)
    assert method.held_back(StepPlan(0.5, first_stage=1)) is first
