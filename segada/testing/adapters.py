"""Contract of every adapter, every image adapter and their combinations."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import torch
from torch import Tensor

from segada.controllers.base import StepPlan
from segada.methods.optimizer import Optimizer
from segada.models.build import build_segmentor
from segada.models.encoders.base import has_adapter, has_batch_norm
from segada.models.learning import frozen_copy, learning_parameters, source_copy
from segada.models.staged_segmentor import StagedSegmentor
from segada.models.weights import load_weights, save_weights
from segada.settings import RunSettings
from segada.settings.learning import OptimizerSettings
from segada.settings.nested import Tree
from segada.testing.checks import changed, listed, pictures, require_close, require_equal, snapshot
from segada.testing.findings import Checks, require

Freeze = Literal["nothing", "encoder", "everything"]

SIZES: Final = ((32, 64), (40, 72), (65, 33))
"""Sizes of images; the second and third are no multiples of the deepest stride."""


@dataclass(frozen=True)
class AdapterCase:
    """Settings of a run that name an adapter, an image adapter or both."""

    sections: Tree

    @classmethod
    def of_blocks(cls, name: str, values: Tree) -> "AdapterCase":
        """Returns a case of an adapter in blocks of two stages."""
        return cls({"adapter": {"name": name, "stages": [0, 3], **values}})

    @classmethod
    def of_images(cls, name: str, values: Tree) -> "AdapterCase":
        """Returns a case of an image adapter."""
        return cls({"image_adapter": {"name": name, **values}})

    def build(self, freeze: Freeze = "everything", seed: int = 0) -> StagedSegmentor:
        """Builds the network with the adapters."""
        return _built(self.sections, freeze, seed)

    def plain(self, freeze: Freeze = "everything") -> StagedSegmentor:
        """Builds the network without."""
        # A network in which nothing learns is that of a method that learns nothing, and the other way round.
        return _built({"method": {"name": "source_only"}}, freeze, 0)

    def added(self) -> set[str]:
        """Returns the names of the adapters' parameters."""
        return set(snapshot(self.build())) - set(snapshot(self.plain()))

    def learned(self) -> StagedSegmentor:
        """Builds the network and lets it learn in evaluation mode, so that running statistics stay the source's."""
        segmentor = self.build().eval()
        learn(segmentor)
        return segmentor


def _built(sections: Tree, freeze: Freeze, seed: int) -> StagedSegmentor:
    settings = RunSettings.model_validate({**sections, "model": {"checkpoint": None, "freeze": freeze}})
    generator = torch.Generator().manual_seed(seed)
    segmentor = build_segmentor(settings.model, settings.adapter, generator, settings.image_adapter)
    assert isinstance(segmentor, StagedSegmentor)
    return segmentor


def learn(segmentor: StagedSegmentor) -> None:
    """Learns for three steps: a factor that starts at zero hides what stands before it from the first, two from the
    second."""
    optimizer = Optimizer(learning_parameters(segmentor), OptimizerSettings(lr=0.01, weight_decay=0.0))
    for _ in range(3):
        optimizer.forget()
        optimizer.step(segmentor(pictures()).square().mean(), StepPlan())


def _starts_as_identity(case: AdapterCase) -> None:
    plain, adapted = case.plain(), case.build()
    for training in (False, True):
        plain.train(training)
        adapted.train(training)
        for size in SIZES:
            maps, expected = adapted.encode(pictures(size=size)), plain.encode(pictures(size=size))
            for stage, (one, other) in enumerate(zip(maps, expected, strict=True)):
                require_equal(one, other, f"before any step the map of stage {stage} differs for images of {size}")
            require_equal(adapted.decode(maps), plain.decode(expected), "before any step the logits differ")


def _registered_once(case: AdapterCase) -> None:
    segmentor, plain = case.build(), set(snapshot(case.plain()))
    parameters = dict(segmentor.named_parameters(remove_duplicate=False))
    gone = plain - set(parameters)
    require(not gone, f"parameters of the source model are gone or renamed: {listed(gone)}")
    added = {name: parameter for name, parameter in parameters.items() if name not in plain}
    require(added, "it adds no parameter")
    outside = [name for name in added if not has_adapter(name)]
    require(not outside, f"parameters are outside the slots of segada.models.encoders.base.SLOTS: {listed(outside)}")
    require(len({id(one) for one in added.values()}) == len(added), "a parameter is registered under two names")


def _learns_under_every_rule(case: AdapterCase) -> None:
    rules: tuple[Freeze, ...] = ("nothing", "encoder", "everything")
    for freeze in rules:
        segmentor = case.build(freeze).eval()
        before, first, added = snapshot(segmentor), segmentor(pictures()).detach(), case.added()
        expected = added | set(learning_parameters(case.plain(freeze)))
        wrong = set(learning_parameters(segmentor)) ^ expected
        require(not wrong, f"with model.freeze {freeze} these learn, or do not, against the rule: {listed(wrong)}")
        learn(segmentor)
        moved = changed(segmentor, before)
        require(added <= moved, f"these do not learn with model.freeze {freeze}: {listed(added - moved)}")
        require(moved <= expected, f"these changed with model.freeze {freeze}: {listed(moved - expected)}")
        gradients = {name: segmentor.get_parameter(name).grad for name in added}
        idle = {name for name, gradient in gradients.items() if gradient is None or not gradient.any()}
        require(not idle, f"no gradient reaches {listed(idle)}")
        require(not torch.allclose(segmentor(pictures()), first), "what was learned does not change the logits")


def _own_generator(case: AdapterCase) -> None:
    state = torch.get_rng_state()
    first, second = snapshot(case.build()), snapshot(case.build())
    require_equal(torch.get_rng_state(), state, "torch's global generator was drawn from; use the one that is given")
    different = {name for name, value in second.items() if not torch.equal(value, first[name])}
    require(not different, f"the same seed gives other values: {listed(different)}")
    endless = {name for name, value in first.items() if not value.isfinite().all()}
    require(not endless, f"not finite: {listed(endless)}")


def _stored(case: AdapterCase) -> None:
    segmentor = case.learned()
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        expected = segmentor(pictures())
        by_state = case.build(seed=7).eval()
        by_state.load_state_dict(segmentor.storable(), strict=False)
        require_equal(by_state(pictures()), expected, "a new network with its state_dict predicts otherwise")
        path = Path(folder) / "a.safetensors"
        save_weights(segmentor, path, "0123456789")
        by_file = case.build(seed=8).eval()
        load_weights(by_file, str(path))
        require_equal(by_file(pictures()), expected, "a new network with its weights file predicts otherwise")


def _static_model(case: AdapterCase) -> None:
    segmentor = case.build().eval()
    static = source_copy(segmentor)
    left = set(snapshot(static)) - set(snapshot(case.plain()))
    require(not left, f"the static model keeps parts of it: {listed(left)}")
    learn(segmentor)
    for size in SIZES:
        expected = case.plain().eval()(pictures(size=size))
        require_equal(static(pictures(size=size)), expected, "the static model is not the source model any more")
    prefix = segmentor.encode_frozen(pictures())
    for one, other in zip(static.encode_rest(prefix), static.encode(pictures()), strict=True):
        require_equal(one, other, "the static model cannot go on from the student's frozen stages")


def _teacher(case: AdapterCase) -> None:
    segmentor = case.build().eval()
    learn(segmentor)
    before = segmentor(pictures()).detach()
    teacher = frozen_copy(segmentor).eval()
    learn(segmentor)
    require_equal(teacher(pictures()), before, "the teacher changes when the student learns")
    students = {id(parameter) for parameter in segmentor.parameters()}
    own = {name for name, parameter in teacher.named_parameters() if id(parameter) not in students}
    wrong = own ^ set(learning_parameters(segmentor))
    require(not wrong, f"the teacher shares, or does not share, against the rule: {listed(wrong)}")
    prefix = segmentor.encode_frozen(pictures())
    problem = "the teacher cannot go on from the student's frozen stages"
    require_equal(teacher.decode(teacher.encode_rest(prefix)), before, problem)


def _frames_apart(case: AdapterCase) -> None:
    segmentor = case.learned().train()
    require(not has_batch_norm(segmentor.encoder), "it has a batch norm, in which frames see each other")
    with torch.no_grad():
        together, alone = segmentor.encode(pictures(3)), segmentor.encode(pictures(3)[1:2])
    for one, other in zip(together, alone, strict=True):
        require_close(one[1:2], other, "a frame alone is encoded otherwise than within a batch")


def _reduced_precision(case: AdapterCase) -> None:
    segmentor = case.learned()
    exact = segmentor(pictures())
    with torch.autocast("cpu", torch.bfloat16):
        reduced: Tensor = segmentor(pictures())
    error = float((reduced.float() - exact).abs().max().detach() / exact.abs().max().detach())
    require(error < 0.1, f"in bfloat16 the logits are off by {error:.0%} of the greatest")


ADAPTER_CHECKS: Final[Checks[AdapterCase]] = {
    "the network starts as the one without it, bit for bit": _starts_as_identity,
    "each parameter is registered once, in a slot": _registered_once,
    "it learns under every freeze rule, and nothing that is frozen does": _learns_under_every_rule,
    "its values come from the given generator alone": _own_generator,
    "what was learned goes into a new network and through a file": _stored,
    "the static model carries none of it and stays the source model": _static_model,
    "a teacher has one of its own and shares the frozen stages": _teacher,
    "frames do not see each other": _frames_apart,
    "it runs in reduced precision": _reduced_precision,
}
