"""Tests of Hamlet's controller in whole runs with shipped networks, and of contradictory settings."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

import segada
from segada.controllers.base import ControllerParts, StepPlan, StepView
from segada.controllers.detector import Jump
from segada.controllers.hamlet import Hamlet
from segada.controllers.shift_monitor import ShiftMonitor
from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Run
from segada.models.build import build_segmentor
from segada.settings import RunSettings

WEATHER: dict[str, Any] = {
    "data": {"splits": {"source": 12, "adapt": 120, "val": 2, "test": 2}},
    "stream": {"visits": ["clear", "200mm", "clear"], "frames": 40, "replay": {"size": 12}},
    "model": {"head": "multi_exit", "checkpoint": "streets_tiny_multi_exit"},
    "logging": {"frames": True},
}
ALL_PARTS: dict[str, Any] = {
    "name": "hamlet",
    "detector": {"signal": "light"},
    "budget": {"steps": 2, "cap": 6},
    "learning_rate": {"policy": "adaptive_slope"},
    "mix": {"policy": "dynamic"},
    "modular": {"policy": "reward"},
}


@pytest.fixture(scope="module")
def run_data() -> RunData:
    return prepare_data(RunSettings.model_validate(WEATHER))


def _settings(controller: dict[str, Any]) -> RunSettings:
    return RunSettings.model_validate({**WEATHER, "controller": controller})


def _run(settings: RunSettings, run_data: RunData, folder: Path) -> list[dict[str, Any]]:
    """Returns the log of frames without times."""
    run = Run(settings, run_data, folder)
    while not run.finished:
        run.next_visit()
    return [json.loads(line) for line in (folder / "frames.jsonl").read_text().splitlines()]


def test_a_plan_says_what_every_part_does(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {
        "budget": {"steps": 2, "cap": 9},
        "learning_rate": {
            "policy": "adaptive_init",
            "initial": 0.1,
            "fall": 4,
            "ceiling": 1.0,
            "keeps_head_factor": False,
        },
        "mix": {"policy": "dynamic"},
        "modular": {"policy": "fixed", "first_stage": 2, "head": "projections"},
    }
    settings = _settings({"name": "hamlet", **parts})
    network = build_segmentor(settings.model, settings.adapter, torch.Generator())
    controller = Hamlet(ControllerParts(settings, lambda: network, torch.Generator()))
    monkeypatch.setattr(ShiftMonitor, "jumps", lambda _, view: [Jump(1.5, 1, 0.5)] if view.number == 1 else [])
    plans = [controller.plan(StepView(number, 6, torch.zeros(1, 3, 32, 32))) for number in range(6)]
    held = {"keeps_head_factor": False, "first_stage": 2, "trains_fusion": False}
    rates = [0.4, 0.3, 0.2]
    assert plans[0] == StepPlan(**held)
    assert [plan.learning_rate for plan in plans[1:4]] == pytest.approx(rates)
    assert plans[1:4] == [
        replace(StepPlan(**held, mix_ratio=0.375), learning_rate=plan.learning_rate) for plan in plans[1:4]
    ]
    assert plans[4:] == [StepPlan(trains=False)] * 2


@pytest.mark.parametrize("signal", ["light", "full"])
def test_a_change_of_weather_is_a_jump_and_nothing_else_is(signal: str, run_data: RunData, tmp_path: Path) -> None:
    settings = _settings({"name": "hamlet", "detector": {"signal": signal}, "budget": {"steps": 1, "cap": 4}})
    log = _run(settings, run_data, tmp_path)
    jumps = {step: line["controller"]["detector.jump"] for step, line in enumerate(log)}
    # Ten steps a visit; the first window of 20 frames in a visit ends with its fifth step.
    assert {step: jump for step, jump in jumps.items() if jump} == {14: 1.0, 24: -1.0}
    assert [line["controller"]["detector.domain"] for line in log][-1] == 0.0
    trained = [step for step, line in enumerate(log) if line["trains"]]
    assert trained[:15] == list(range(15))
    assert trained[-1] < 29
    assert len(trained) < 24


def test_a_run_that_is_stopped_goes_on_to_the_same_bytes(run_data: RunData, tmp_path: Path) -> None:
    settings = _settings(ALL_PARTS)
    whole = _run(settings, run_data, tmp_path / "whole")
    Run(settings, run_data, tmp_path / "stopped").next_visit()
    Run(settings, run_data, tmp_path / "stopped").next_visit()
    assert _run(settings, run_data, tmp_path / "stopped") == whole
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("whole", "stopped")]
    assert weights[0] == weights[1]
    stages = {line["first_stage"] for line in whole if line["trains"]}
    assert len(stages) > 1
    assert {line["mix_ratio"] for line in whole} > {None}


def test_what_is_drawn_goes_on_where_a_run_was_stopped(tiny_run: dict[str, object], tmp_path: Path) -> None:
    off = {"detector": {"signal": "none"}, "budget": {"policy": "none"}}
    controller = {"name": "hamlet", **off, "modular": {"policy": "random"}}
    changes = {"stream": {"visits": ["clear", "200mm"], "frames": 8, "batch_size": 1}, "logging": {"frames": True}}
    settings = RunSettings.model_validate({**tiny_run, **changes, "controller": controller})
    run_data = prepare_data(settings)
    whole = _run(settings, run_data, tmp_path / "whole")
    Run(settings, run_data, tmp_path / "stopped").next_visit()
    assert _run(settings, run_data, tmp_path / "stopped") == whole
    stages = [line["first_stage"] for line in whole]
    assert stages[:8] != stages[8:]


def test_with_every_part_off_the_numbers_are_those_of_always(run_data: RunData) -> None:
    off = {"name": "hamlet", "detector": {"signal": "none"}, "budget": {"policy": "none"}}
    visits = [Run(_settings(controller), run_data).next_visit() for controller in (off, {"name": "constant"})]
    assert visits[0].losses == visits[1].losses
    assert visits[0].miou == visits[1].miou


@pytest.mark.parametrize(
    ("method", "loss", "terms"),
    [
        ({"name": "dacs"}, "entrophy", "clean, mix"),
        ({"name": "dacs", "mix_weight": 0.0, "entropy_weight": 0.1}, "mix", "clean, entropy"),
        ({"name": "dacs", "clean_weight": 0.0, "mix_weight": 0.0}, "mix", "none"),
        ({"name": "tent", "consolidation": {"weight": 1.0}}, "mix", "entropy, consolidation"),
        ({"name": "adversarial"}, "mix", "clean, domain"),
    ],
)
def test_a_term_that_the_loss_does_not_have_is_refused_with_those_it_has(
    method: dict[str, Any], loss: str, terms: str
) -> None:
    controller = {"name": "hamlet", "modular": {"policy": "reward", "loss": loss}}
    with pytest.raises(ValidationError) as refusal:
        RunSettings.model_validate({"method": method, "controller": controller})
    (error,) = refusal.value.errors()
    assert error["msg"].removeprefix("Value error, ") == (
        f"controller.modular.loss is {loss!r}, but the terms that method.name {method['name']!r} has, by its "
        f"weights, are {terms}; choose one of these, or set controller.modular.policy to none"
    )
    named = {"name": "hamlet", "modular": {"policy": "fixed", "loss": loss}}
    assert RunSettings.model_validate({"method": method, "controller": named}).controller.name == "hamlet"


@pytest.mark.parametrize(
    ("controller", "others", "said"),
    [
        (
            {"detector": {"signal": "light"}},
            {},
            "controller.detector.signal is 'light', but model.head 'segformer' has",
        ),
        ({"detector": {"signal": "none"}}, {}, "controller.budget.policy is 'jump', but no jump is ever seen"),
        (
            {
                "detector": {"signal": "none"},
                "budget": {"policy": "none"},
                "learning_rate": {"policy": "adaptive_init"},
            },
            {},
            "controller.learning_rate.policy is 'adaptive_init', but no jump is ever seen",
        ),
        (
            {"detector": {"signal": "none"}, "budget": {"policy": "none"}, "mix": {"policy": "dynamic"}},
            {},
            "controller.mix.policy is 'dynamic', but no jump is ever seen",
        ),
        ({"detector": {"near": 0.4}}, {}, "controller.detector.near is 0.4, but controller.detector.far is 0.38"),
        (
            {"budget": {"policy": "none"}, "learning_rate": {"policy": "adaptive_slope"}},
            {},
            "controller.learning_rate.policy is 'adaptive_slope', which falls over the budget, but",
        ),
        ({"mix": {"policy": "dynamic"}}, {"method": {"name": "tent"}}, "controller.mix.policy is 'dynamic', but no"),
        (
            {"mix": {"policy": "dynamic"}},
            {"method": {"mixing": "target_only"}},
            "controller.mix.policy is 'dynamic', but no classes are pasted",
        ),
        ({"modular": {"policy": "reward"}}, {"method": {"mix_weight": 0.0}}, "controller.modular.loss is 'mix'"),
        (
            {"modular": {"policy": "random", "probabilities": [0.0, 0.0, 0.0, 0.0]}},
            {},
            "controller.modular.probabilities are all 0",
        ),
    ],
)
def test_parts_that_contradict_each_other_are_refused(
    controller: dict[str, Any], others: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        RunSettings.model_validate({**others, "controller": {"name": "hamlet", **controller}})
    errors = refusal.value.errors()
    assert len(errors) == 1
    assert errors[0]["msg"].removeprefix("Value error, ").startswith(said)
    assert "\n" not in errors[0]["msg"]


@pytest.mark.parametrize("method", ["batch_norm", "tent", "cotta", "dacs", "adversarial", "supervised"])
def test_the_defaults_suit_every_method_that_changes_anything(method: str) -> None:
    settings = RunSettings.model_validate({"controller": {"name": "hamlet"}, "method": {"name": method}})
    assert settings.controller.name == "hamlet"


def test_the_detector_alone_may_watch_the_untouched_source_model() -> None:
    watching = {"name": "hamlet", "budget": {"policy": "none"}}
    settings = RunSettings.model_validate({"controller": watching, "method": {"name": "source_only"}})
    assert settings.method.name == "source_only"


@pytest.mark.parametrize(
    ("controller", "said"),
    [
        ({"budget": {"before_first_jump": "wait"}}, "no change of domain in this stream, so that no step learned"),
        ({}, "so that every step learned as without it"),
        ({"detector": {"window": 4, "threshold": 1e-6}}, ""),
    ],
)
def test_a_detector_that_saw_no_change_is_said(
    controller: dict[str, Any], said: str, run_data: RunData, capsys: pytest.CaptureFixture[str]
) -> None:
    visits = {**WEATHER["stream"], "visits": ["clear", "200mm"]}
    settings = {**WEATHER, "stream": visits, "controller": {"name": "hamlet", **controller}}
    if not controller.get("detector"):
        settings["controller"]["detector"] = {"window": 500}
    segada.run(RunSettings.model_validate(settings), progress=True)
    lines = " ".join(capsys.readouterr().out.split())
    assert ("detected no change" in lines) == bool(said)
    assert said in lines
