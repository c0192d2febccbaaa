"""Guards of every learner: weight ensembling towards the source model, and periodic resets."""

import copy
from collections.abc import Mapping

import pytest
import torch
from method_parts import Build

from segada.controllers.base import StepPlan
from segada.data.batch import Batch, to_batch
from segada.engine.run_data import RunData
from segada.methods.base import Method
from segada.methods.learner import Learner, Terms
from segada.methods.registry import METHODS

LEARNERS: dict[str, dict[str, object]] = {
    "tent": {},
    "sar": {},
    "cotta": {"scales": [1.5], "restore": 0.1},
    "rmt": {"warm_up_steps": 1, "contrast_weight": 0.0},
    "dacs": {"pseudo_threshold": 0.1},
    "adversarial": {},
}


def made(name: str, build: Build, guards: Mapping[str, object]) -> Learner:
    method: Method = METHODS[name](build({"method": {"name": name, **LEARNERS[name], "guards": dict(guards)}}))
    assert isinstance(method, Learner)
    return method


@pytest.fixture
def targets(run_data: RunData) -> list[Batch]:
    frames = run_data.visited["200mm"]
    return [to_batch(frames, torch.arange(first, first + 2).numpy()) for first in (0, 2, 4, 6)]


def parameters(method: Learner) -> dict[str, torch.Tensor]:
    learning = {name for name, value in method.student.named_parameters() if value.requires_grad}
    return {name: value.detach().clone() for name, value in method.student.named_parameters() if name in learning}


@pytest.mark.parametrize("name", LEARNERS)
def test_a_share_of_the_source_model_is_mixed_in_after_each_step(
    name: str, build: Build, targets: list[Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    share = 0.2
    method = made(name, build, {"source_share": share})
    source, stepped = parameters(method), {}
    descend = method._optimizer.step

    def watched(*args: object) -> None:
        descend(*args)  # type: ignore[arg-type]
        stepped.update(parameters(method))

    monkeypatch.setattr(method._optimizer, "step", watched)
    monkeypatch.setattr(method, "_restore", lambda _: None, raising=False)
    for target in targets[:2]:
        method.step(target, StepPlan())
        for key, value in parameters(method).items():
            torch.testing.assert_close(value, (1 - share) * stepped[key] + share * source[key])
    assert any(not torch.equal(value, source[key]) for key, value in stepped.items())


@pytest.mark.parametrize("name", LEARNERS)
def test_after_a_number_of_steps_a_method_begins_anew(
    name: str, build: Build, targets: list[Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    method = made(name, build, {"reset_every": 3})
    first, seen = copy.deepcopy(method.state_dict()), []
    monkeypatch.setattr(method, "warm_up", lambda *_: None)
    compute = method.terms

    def watched(target: Batch, plan: StepPlan) -> Terms:
        seen.append(copy.deepcopy(method.state_dict()))
        return compute(target, plan)

    monkeypatch.setattr(method, "terms", watched)
    for target in [*targets, *targets]:
        method.step(target, StepPlan())
    assert [state["steps"] for state in seen] == [0, 1, 2, 0, 1, 2, 0, 1]
    for place, state in enumerate(seen):
        assert same(state, first) == (place % 3 == 0)


def same(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return isinstance(other, list | tuple) and len(one) == len(other) and all(map(same, one, other))
    return one == other


def test_a_resumed_method_returns_to_the_beginning_of_the_run(build: Build, targets: list[Batch]) -> None:
    whole, resumed = (made("tent", build, {"reset_every": 3}) for _ in range(2))
    for target in targets[:2]:
        whole.step(target, StepPlan())
    resumed.load_state_dict(copy.deepcopy(whole.state_dict()))
    for target in targets:
        for method in (whole, resumed):
            method.step(target, StepPlan())
    assert same(whole.state_dict(), resumed.state_dict())
    assert whole.steps == 3


def test_steps_that_do_not_learn_do_not_count(build: Build, targets: list[Batch]) -> None:
    method = made("tent", build, {"reset_every": 1})
    method.step(targets[0], StepPlan())
    moved = parameters(method)
    assert method.step(targets[1], StepPlan(trains=False)) == {}
    assert same(parameters(method), moved)


def test_without_guards_nothing_is_kept(build: Build, targets: list[Batch]) -> None:
    method = made("dacs", build, {})
    method.step(targets[0], StepPlan())
    assert method._guards._source == {}
    assert method._guards._first is None


@pytest.mark.parametrize("name", [*LEARNERS, "rotta"])
def test_a_collapse_is_followed_by_a_reset_and_nothing_else_is(
    name: str, build: Build, targets: list[Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    sections = {"rotta": {"update_every": 1}, **LEARNERS}[name]
    guards = {"collapse_share": 0.5}
    method = METHODS[name](build({"method": {"name": name, **sections, "guards": guards}}))
    assert isinstance(method, Learner)
    source = parameters(method)
    assert method.step(targets[0], StepPlan())["reset"] == 0
    assert method.step(targets[1], StepPlan())["reset"] == 0
    assert any(not torch.equal(value, source[name]) for name, value in parameters(method).items())

    one_class = torch.zeros(2, 19, 4, 4)
    one_class[:, 7] = 100.0
    shown = [one_class] * 10
    predicted = method.predict(targets[0].images)
    monkeypatch.setattr(method, "predict", lambda _: shown.pop() if shown else predicted)
    # The plain average: with a diversity of 0, it is 0.9^n of what it was.
    resets = []
    while not resets or resets[-1] == 0:
        resets.append(int(method.step(targets[2], StepPlan())["reset"]))
    assert len(resets) in (6, 7, 8)
    assert method.steps == 1
    shown.clear()
    assert method.step(targets[3], StepPlan())["reset"] == 0


def test_the_diversity_is_the_entropy_of_the_mean_softmax(build: Build) -> None:
    guards = made("tent", build, {"collapse_share": 0.5})._guards
    logits = torch.randn(2, 5, 3, 4, generator=torch.Generator().manual_seed(0))
    mean = torch.stack([logits[b, :, h, w].softmax(0) for b in range(2) for h in range(3) for w in range(4)]).mean(0)
    guards.watch(logits)
    first = -(mean * mean.log()).sum()
    torch.testing.assert_close(guards.state_dict()["diversity"], first)
    guards.watch(torch.zeros(1, 5, 2, 2))
    torch.testing.assert_close(guards.state_dict()["diversity"], 0.9 * first + 0.1 * torch.tensor(5.0).log())
    torch.testing.assert_close(guards.state_dict()["first_diversity"], first)
