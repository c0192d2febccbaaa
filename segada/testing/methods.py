"""Contract of every adaptation method."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import torch

from segada.controllers.base import StepPlan
from segada.core.named_code import named
from segada.core.rng import numpy_generator, torch_generator
from segada.data.batch import Batch, to_batch
from segada.data.replay import ReplayBuffer
from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Run
from segada.methods.base import Method, MethodParts, State
from segada.methods.registry import METHODS
from segada.models.build import build_segmentor
from segada.models.learning import learning_parameters
from segada.settings import RunSettings
from segada.settings.learning import LearningSettings
from segada.settings.nested import Tree, merged
from segada.testing.checks import TINY, changed, listed, require_equal, snapshot
from segada.testing.findings import Checks, require

WATCHED: Final = {"sure_share", "domain_accuracy", "uncertainty", "reset"}
"""Scalars that steps report beside the terms of their loss."""
HELD_BACK: Final = ("encoder.stages.0.", "head.linear_c1.", "head.linear_fuse.", "head.linear_pred.")
"""Parameters that do not learn if the first stage that learns is 1, and the head's fusion is held back."""
THREE_VISITS: Final[Tree] = {
    "stream": {"visits": ["clear", "200mm", "clear"], "frames": 4, "batch_size": 2, "replay": {"size": 12}}
}


@dataclass
class MethodCase:
    """A method with its settings, and the frames that it is tried on.

    Attributes:
        settings: Settings of a small run.
        given: Frames of the run; None prepares them when they are needed.
    """

    settings: RunSettings
    given: RunData | None = field(default=None, repr=False)

    @classmethod
    def of(cls, name: str, values: Tree) -> "MethodCase":
        """Returns a case in which an adapter and the head learn.

        Args:
            name: Name of the method in settings.
            values: Its settings.
        """
        sections: Tree = {
            "method": {"name": name, **values},
            "adapter": {"name": "adaptformer"},
            "model": {"freeze": "encoder"},
        }
        return cls(RunSettings.model_validate(merged(TINY, sections)))

    @cached_property
    def run_data(self) -> RunData:
        """Frames of the run."""
        return self.given or prepare_data(self.settings)

    def build(self) -> tuple[Method, MethodParts]:
        """Builds the method with parts as a run makes them, the same each time."""
        settings, classes = self.settings, len(self.settings.data.classes)
        initialization = torch_generator(0, "initialisation")
        parts = MethodParts(
            settings,
            build_segmentor(settings.model, settings.adapter, initialization, settings.image_adapter),
            ReplayBuffer(self.run_data.source, settings.stream.replay, classes, numpy_generator(0, "replay")),
            torch_generator(0, "class_mix"),
            torch_generator(0, "augmentation"),
            torch_generator(0, "restoration"),
            torch_generator(0, "initialisation"),
            torch_generator(0, "source_frames"),
            torch_generator(0, "masking"),
            torch_generator(0, "windows"),
        )
        return named(METHODS, settings.method.name)(parts), parts

    def batch(self, start: int) -> Batch:
        """Returns four target frames from a number on."""
        frames = self.run_data.visited[self.settings.stream.visits[-1]]
        return to_batch(frames, torch.arange(start, start + 4).numpy())

    def three_visits(self) -> RunSettings:
        """Returns the settings of a run of three short visits."""
        return RunSettings.model_validate(merged(self.settings.model_dump(mode="json"), THREE_VISITS))


def _predicts(case: MethodCase) -> None:
    method, parts = case.build()
    log = method.step(case.batch(0), StepPlan())
    for name, value in log.items():
        require(value.isfinite().all(), f"the step reports {name} as {value}")
        require(not value.requires_grad, f"the step reports {name} with a gradient; detach it")
    images = case.batch(4).images
    logits = method.predict(images)
    whole = (len(images), parts.network.classes, *images.shape[2:])
    quarter = (*whole[:2], whole[2] // 4, whole[3] // 4)
    require(
        tuple(logits.shape) in (quarter, whole),
        f"predict returns {list(logits.shape)}, not {list(quarter)} or {list(whole)}",
    )
    require(logits.isfinite().all(), "predict returns numbers that are not finite")


def _reports_terms(case: MethodCase) -> None:
    method, _ = case.build()
    settings = case.settings.method
    if not isinstance(settings, LearningSettings):
        return
    reported = [name for name in method.step(case.batch(0), StepPlan()) if name not in WATCHED]
    terms = list(settings.loss_terms())
    require(reported == terms, f"the step reports {reported}, but the weights of its settings name {terms}")


def _predicting_changes_nothing(case: MethodCase) -> None:
    method, _ = case.build()
    images = case.batch(0).images
    require_equal(method.predict(images), method.predict(images), "the second prediction differs from the first")


def _state_goes_on(case: MethodCase) -> None:
    method, parts = case.build()
    method.step(case.batch(0), StepPlan())
    saved = through_file({"method": method.state_dict(), **_drawn(parts)})
    method.step(case.batch(4), StepPlan(0.5))
    resumed, resumed_parts = case.build()
    resumed.load_state_dict(saved["method"])
    _restore(resumed_parts, saved)
    resumed.step(case.batch(4), StepPlan(0.5))
    images = case.batch(0).images
    problem = "after load_state_dict the next step leads to other predictions; state_dict leaves something out"
    require_equal(method.predict(images), resumed.predict(images), problem)


def _frozen_stays(case: MethodCase) -> None:
    method, parts = case.build()
    before = snapshot(parts.network)
    for start in (0, 4):
        method.step(case.batch(start), StepPlan())
    wrong = changed(parts.network, before) - set(learning_parameters(parts.network))
    require(not wrong, f"parameters without requires_grad changed: {listed(wrong)}")


def _rate_zero(case: MethodCase) -> None:
    method, parts = case.build()
    before = snapshot(parts.network)
    method.step(case.batch(0), StepPlan(0.0))
    moved = changed(parts.network, before)
    require(not moved, f"parameters changed at learning_rate_factor 0: {listed(moved)}")


def _plan_not_to_train(case: MethodCase) -> None:
    method, parts = case.build()
    method.step(case.batch(0), StepPlan())
    before, drawn = snapshot(method.evaluated_network), parts.replay.state_dict()
    log = method.step(case.batch(4), StepPlan(trains=False))
    require(log == {}, f"the step reports {list(log)}, although its plan says trains=False; return {{}}")
    rates = method.rates(StepPlan(trains=False))
    require(rates == {}, f"rates returns {dict(rates)} for a plan that does not train; return {{}}")
    moved = changed(method.evaluated_network, before)
    require(not moved, f"parameters changed, although the plan says trains=False: {listed(moved)}")
    require(drawn == parts.replay.state_dict(), "frames were drawn from replay, although the plan says trains=False")


def _held_back(case: MethodCase) -> None:
    method, parts = case.build()
    before = snapshot(parts.network)
    for start in (0, 4):
        method.step(case.batch(start), StepPlan(first_stage=1, trains_fusion=False))
    moved = {name for name in changed(parts.network, before) if name.startswith(HELD_BACK)}
    require(not moved, f"changed with first_stage=1 and trains_fusion=False: {listed(moved)}")


def _two_networks(case: MethodCase) -> None:
    method, _ = case.build()
    require(method.other_network is not method.evaluated_network, "other_network is the evaluated network itself")


def _global_generator(case: MethodCase) -> None:
    before = torch.get_rng_state()
    method, _ = case.build()
    method.step(case.batch(0), StepPlan())
    problem = "torch's global generator was drawn from; draw from a generator of the parts"
    require_equal(torch.get_rng_state(), before, problem)


def _stopped_runs_go_on(case: MethodCase) -> None:
    with _folder() as folder:
        assert_resumed_equals_whole(case.three_visits(), folder)


def assert_resumed_equals_whole(settings: RunSettings, folder: Path, run_data: RunData | None = None) -> None:
    """Requires that a run stopped after its first visit ends with the numbers and files of an unstopped one.

    Args:
        settings: Settings of the run.
        folder: Empty folder.
        run_data: Its frames; None prepares them.
    """
    frames = run_data or prepare_data(settings)
    whole = _finished(Run(settings, frames, folder / "whole"))
    Run(settings, frames, folder / "stopped").next_visit()
    resumed = Run(settings, frames, folder / "stopped")
    require(resumed.visits_done == 1, f"the stopped run goes on after {resumed.visits_done} visits, not after 1")
    require(_finished(resumed) == whole, "the report of the resumed run differs from that of the unstopped one")
    for name in ("weights.safetensors", "areas.npz"):
        same = (folder / "stopped" / name).read_bytes() == (folder / "whole" / name).read_bytes()
        require(same, f"{name} of the resumed run differs from that of the unstopped one")


METHOD_CHECKS: Final[Checks[MethodCase]] = {
    "predictions are finite logits, and steps report finite scalars": _predicts,
    "a step reports the terms of the loss that its settings weight": _reports_terms,
    "predicting changes nothing": _predicting_changes_nothing,
    "a method that loads a saved state goes on to the same numbers": _state_goes_on,
    "frozen parameters keep their values": _frozen_stays,
    "a plan with a learning rate factor of 0 moves nothing": _rate_zero,
    "a plan that does not train moves, draws and reports nothing": _plan_not_to_train,
    "stages and fusion that a plan holds back keep their values": _held_back,
    "the network that is not evaluated is another one": _two_networks,
    "all random draws come from the generators of the parts": _global_generator,
    "a run stopped after a visit ends with the numbers of an unstopped one": _stopped_runs_go_on,
}


def through_file(state: State) -> State:
    """Returns a state after `torch.save` and `torch.load(weights_only=True)`."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    loaded: State = torch.load(buffer, weights_only=True)
    return loaded


def _drawn(parts: MethodParts) -> State:
    generators = ("class_mix", "augmentation", "restoration", "source_frames", "masking", "windows")
    return {"replay": parts.replay.state_dict(), **{name: getattr(parts, name).get_state() for name in generators}}


def _restore(parts: MethodParts, drawn: State) -> None:
    parts.replay.load_state_dict(drawn["replay"])
    for name in ("class_mix", "augmentation", "restoration", "source_frames", "masking", "windows"):
        getattr(parts, name).set_state(drawn[name])


def _finished(run: Run) -> dict[str, Any]:
    """Returns the report of a run without times."""
    while not run.finished:
        run.next_visit()
    content = run.report().model_dump()
    for part in (content, *content["visits"]):
        for timing in {"seconds", "frames_per_second"} & set(part):
            del part[timing]
    return content


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
