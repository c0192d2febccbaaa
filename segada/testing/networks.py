"""Contract of every whole network that `model.network` names."""

import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from segada.models.build import build_segmentor
from segada.models.learning import changing_state, frozen_copy, learning_parameters, source_copy
from segada.models.segmentor import Segmentor
from segada.models.weights import save_weights
from segada.models.whole_segmentor import WholeSegmentor
from segada.settings.adapter import NoAdapter
from segada.settings.class_sets import CITYSCAPES, ClassSet
from segada.settings.data import DataSettings
from segada.settings.model import ModelSettings
from segada.settings.nested import Tree
from segada.testing.checks import listed, pictures, require_close, require_equal
from segada.testing.findings import BrokenPromise, Checks, require

SIZES: Final = ((64, 96), (37, 66), (72, 40))
SIZE: Final = SIZES[0]


@dataclass
class NetworkCase:
    """A whole network by its name in settings.

    Attributes:
        name: Value of `model.network`.
        classes: Classes that it is built for.
    """

    name: str
    classes: ClassSet = CITYSCAPES

    @classmethod
    def of(cls, name: str, values: Tree) -> "NetworkCase":
        """Returns a case.

        Args:
            name: Value of `model.network`.
            values: `classes` as in `data.classes`; without it there are those of Cityscapes.

        Raises:
            pydantic.ValidationError: The classes are none, or something else is given.
        """
        return cls(name, DataSettings.model_validate(values).classes if values else CITYSCAPES)

    def build(self, seed: int = 0, **model: Any) -> Segmentor:
        """Builds the network with random weights; `model` are further settings of section `model`."""
        settings = ModelSettings.model_validate({"network": self.name, "reinitialize": ["network"], **model})
        generator = torch.Generator().manual_seed(seed)
        return build_segmentor(settings, NoAdapter(), generator, classes=self.classes)

    @cached_property
    def _built(self) -> Segmentor:
        return self.build()

    @property
    def network(self) -> Segmentor:
        """One network for all checks, in evaluation mode, everything learning, without gradients."""
        network = self._built.eval().requires_grad_(requires_grad=True)
        network.zero_grad()
        return network


@torch.no_grad()
def _sizes(case: NetworkCase) -> None:
    network = case.network
    assert isinstance(network, WholeSegmentor)
    for size in SIZES:
        images = pictures(size=size)
        before = images.clone()
        with _said():
            network.check_output(size)
            logits = network(images)
        require(logits.isfinite().all(), f"logits of images of {size} are not finite")
        require_equal(images, before, f"images of {size} are changed")


def _train_mode(case: NetworkCase) -> None:
    network = case.build()
    assert isinstance(network, WholeSegmentor)
    for size in SIZES:
        with _said():
            network.check_training(size)


@torch.no_grad()
def _images_apart(case: NetworkCase) -> None:
    together, alone = case.network(pictures(3, SIZE)), case.network(pictures(3, SIZE)[1:2])
    require_close(together[1:2], alone, "in evaluation mode an image alone has other logits than within a batch")


def _own_generator(case: NetworkCase) -> None:
    before = _global_states()
    one, same, other = (case.build(seed).storable() for seed in (0, 0, 1))
    require(_global_states() == before, "a global generator of torch, random or numpy is left in another state")
    unlike = {name for name, value in one.items() if not torch.equal(value, same[name])}
    require(not unlike, f"the same seed gives other weights: {listed(unlike)}")
    differ = any(not torch.equal(value, other[name]) for name, value in one.items())
    require(differ, "another seed gives the same weights")


def _gradients(case: NetworkCase) -> None:
    network = case.network
    parameters = dict(network.named_parameters())
    loss = network(pictures(size=SIZE)).square().sum()
    gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    missed = [name for name, gradient in zip(parameters, gradients, strict=True) if gradient is None]
    require(not missed, f"no gradient reaches {listed(missed)}")


def _copies(case: NetworkCase) -> None:
    network, images = case.network, pictures(size=SIZE)
    next(network.parameters()).requires_grad = False
    teacher, static = frozen_copy(network), source_copy(network)
    own = dict(teacher.named_parameters())
    wrong = [name for name, one in network.named_parameters() if (own[name] is one) == one.requires_grad]
    require(not wrong, f"the teacher shares, or does not share, against the rule: {listed(wrong)}")
    before = network(images).detach()
    state = {name: value.clone() for name, value in changing_state(network, learning_parameters(network)).items()}
    with torch.no_grad():
        for parameter in learning_parameters(network).values():
            parameter.add_(0.01)
    require_equal(teacher(images), before, "the teacher changes when the student learns")
    require_equal(static(images), before, "the static model changes when the student learns")
    require(not torch.equal(network(images), before), "other weights give the same logits")
    network.load_state_dict(state, strict=False)
    require_equal(network(images), before, "the student's former state gives other logits")


def _draws(case: NetworkCase) -> None:
    network, images, before = case.build().train(), pictures(size=SIZE), _global_states()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    first = network(images).detach()
    require(_global_states() == before, "in train mode a global generator of torch, random or numpy is drawn from")
    network.load_state_dict(state)
    torch.rand(3)
    problem = "in train mode a saved state goes on to other logits: something draws from elsewhere than torch"
    require_equal(network(images).detach(), first, problem)


@torch.no_grad()
def _without_gradients(case: NetworkCase) -> None:
    network, images = case.build().train(), pictures(size=SIZE)
    norms = {name: part for name, part in network.named_modules() if isinstance(part, nn.BatchNorm2d)}
    before = _means(norms)
    first, second = network(images), network(images)
    require_equal(first, second, "in train mode without gradients the second logits differ from the first")
    still = {name for name, mean in _means(norms).items() if torch.equal(mean, before[name])}
    require(not still, f"in train mode batch norms gather no statistics: {listed(still)}")
    require(all(part.training for part in network.modules()), "a module is left in evaluation mode")


@torch.no_grad()
def _file(case: NetworkCase) -> None:
    given = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "channel_order": "bgr"}
    saved, images = case.build(preprocessing=given).eval(), pictures(size=SIZE)
    with tempfile.TemporaryDirectory() as folder:
        own, plain = Path(folder) / "weights.safetensors", Path(folder) / "state.pt"
        save_weights(saved, own, "")
        state = {f"module.{name}": value for name, value in saved.storable().items()}
        torch.save({"state_dict": state, "epoch": 3}, plain)
        loaded = case.build(1, checkpoint=str(own), reinitialize=[]).eval()
        again = case.build(1, checkpoint=str(plain), reinitialize=[], preprocessing=given).eval()
    require(loaded.preprocessing == saved.preprocessing, "the preprocessing does not return from a file")
    require_equal(loaded(images), saved(images), "a new network with its weights file predicts otherwise")
    require_equal(again(images), saved(images), "a new network with its state dict predicts otherwise")


NETWORK_CHECKS: Final[Checks[NetworkCase]] = {
    "images of several sizes give finite logits [B, K, h, w], and stay as they are": _sizes,
    "train mode gives logits, too": _train_mode,
    "images do not see each other in evaluation mode": _images_apart,
    "its weights are determined by the seed, and global generators stay as they were": _own_generator,
    "gradients reach every parameter": _gradients,
    "copies share what is frozen and stay when the student learns": _copies,
    "what training draws comes from its own state": _draws,
    "without gradients batch norms gather statistics, and nothing is dropped": _without_gradients,
    "weights and preprocessing return from a file": _file,
}


@contextmanager
def _said() -> Iterator[None]:
    """Turns a refusal of an output, which has both shapes, into a promise that does not hold."""
    try:
        yield
    except ValueError as refused:
        raise BrokenPromise(str(refused)) from None


def _means(norms: Mapping[str, nn.BatchNorm2d]) -> dict[str, Tensor]:
    return {name: norm.running_mean.clone() for name, norm in norms.items() if norm.running_mean is not None}


def _global_states() -> tuple[object, ...]:
    drawn = np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002 - what a network may draw from
    return torch.get_rng_state().tolist(), random.getstate(), drawn
