"""Contract of every head."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from segada.core.named_code import named
from segada.models.build import bare_segmentor
from segada.models.heads.base import Head
from segada.models.heads.registry import HEADS
from segada.settings.model import ModelSettings
from segada.testing.checks import require_close, require_equal
from segada.testing.findings import Checks, require

CHANNELS: Final = (3, 4, 5, 6)
WIDTH: Final = 6
CLASSES: Final = 5
SIZES: Final = ((32, 32), (64, 96), (96, 32))
ROUNDED: Final = ((13, 17), (7, 9), (4, 5), (2, 3))
"""Sizes of the four maps of an image whose size is no multiple of the strides."""


@dataclass(frozen=True)
class HeadCase:
    """A head by its name in settings."""

    name: str

    def build(self, seed: int = 0) -> Head:
        """Builds the head as a segmentor does: without values, then filled."""
        with torch.device("meta"):
            head = named(HEADS, self.name)(CHANNELS, WIDTH, CLASSES)
        head.to_empty(device="cpu")
        for tensor in head.state_dict().values():
            tensor.fill_(float("nan") if tensor.is_floating_point() else 77)
        head.initialize(torch.Generator().manual_seed(seed))
        return head


def maps(height: int = 64, width: int = 96, batch: int = 2) -> list[Tensor]:
    """Returns the same random maps of four stages each time."""
    generator = torch.Generator().manual_seed(1)
    return [
        torch.randn((batch, channels, height // stride, width // stride), generator=generator, requires_grad=True)
        for channels, stride in zip(CHANNELS, (4, 8, 16, 32), strict=True)
    ]


def _quarter(case: HeadCase) -> None:
    for height, width in SIZES:
        logits, expected = case.build()(maps(height, width)), (2, CLASSES, height // 4, width // 4)
        require(tuple(logits.shape) == expected, f"logits are {list(logits.shape)}, not {list(expected)}")
        require(logits.isfinite().all(), "logits are not finite")


def _rounded(case: HeadCase) -> None:
    features = [torch.ones(2, channels, *size) for channels, size in zip(CHANNELS, ROUNDED, strict=True)]
    shape, expected = tuple(case.build()(features).shape), (2, CLASSES, *ROUNDED[0])
    require(shape == expected, f"logits of maps of rounded sizes are {list(shape)}, not {list(expected)}")


def _initializes(case: HeadCase) -> None:
    state = torch.get_rng_state()
    first, second, other = case.build(), case.build(), case.build(seed=1)
    require_equal(torch.get_rng_state(), state, "torch's global generator was drawn from; use the one that is given")
    for key, tensor in first.state_dict().items():
        require(tensor.isfinite().all(), f"initialize leaves {key} without values")
        require(tensor.is_floating_point() or tensor.item() == 0, f"initialize leaves {key} without a value")
        require_equal(tensor, second.state_dict()[key], f"the same seed gives other values of {key}")
    differs = any(not torch.equal(tensor, other.state_dict()[key]) for key, tensor in first.state_dict().items())
    require(differs, "another seed gives the same values")


def _gradients(case: HeadCase) -> None:
    head, features = case.build(), maps()
    loss = head(features).square().mean()
    if head.light_part() is not None:
        loss = loss + head.light(features[0]).square().mean()
    names = [f"the map of stage {stage}" for stage in range(4)]
    reached = dict(zip(names, features, strict=True)) | dict(head.named_parameters())
    gradients = torch.autograd.grad(loss, list(reached.values()), allow_unused=True)
    for key, gradient in zip(reached, gradients, strict=True):
        require(gradient is not None and gradient.any(), f"no gradient reaches {key}")
        require(gradient is not None and gradient.isfinite().all(), f"the gradient of {key} is not finite")


def _stage_parts(case: HeadCase) -> None:
    head = case.build()
    parts = [head.stage_part(stage) for stage in range(4)]
    parameters = [parameter for part in parts for parameter in part.parameters()]
    require(len({id(one) for one in parameters}) == len(parameters), "two stage parts share a parameter")
    features = maps()
    weights = [next(weight for weight in part.parameters() if weight.ndim > 1) for part in parts]
    for stage, weight in enumerate(weights):
        blanked = [feature if index == stage else torch.zeros_like(feature) for index, feature in enumerate(features)]
        gradients = torch.autograd.grad(head.eval()(blanked).square().sum(), weights)
        # A linear layer whose map is zero gets no gradient; only the one that reads the map that is not zero does.
        reading = [index for index, gradient in enumerate(gradients) if gradient.any()]
        require(reading == [stage], f"the map of stage {stage} is read by stage_part of {reading}")
        require(weight.shape[1] == CHANNELS[stage], f"stage_part({stage}) reads {weight.shape[1]} channels")


def _light(case: HeadCase) -> None:
    head = case.build()
    if head.light_part() is not None:
        shape = tuple(head.light(maps()[0]).shape)
        require(shape == (2, CLASSES, 16, 24), f"light returns {list(shape)}, not {[2, CLASSES, 16, 24]}")
        return
    try:
        head.light(maps()[0])
    except ValueError:
        return
    require(condition=False, problem="light answers, although light_part is None; raise a ValueError")


def _images_apart(case: HeadCase) -> None:
    head, features = case.build().eval(), maps()
    together = head(features)
    for index in range(2):
        alone = head([feature[index : index + 1] for feature in features])
        require_close(together[index : index + 1], alone, "an image alone gets other logits than within a batch")


def _any_size(case: HeadCase) -> None:
    model = ModelSettings.model_validate({"head": case.name, "checkpoint": None})
    network = bare_segmentor(model, torch.Generator().manual_seed(0))
    shape = tuple(network(torch.rand(1, 3, 37, 66, generator=torch.Generator().manual_seed(0))).shape)
    require(shape == (1, 19, 10, 17), f"logits of images of 37 x 66 pixels are {list(shape)}, not [1, 19, 10, 17]")


HEAD_CHECKS: Final[Checks[HeadCase]] = {
    "logits have a quarter of the resolution": _quarter,
    "maps of rounded sizes are joined at the finest": _rounded,
    "initialize fills everything from the given generator alone": _initializes,
    "gradients reach every parameter and map": _gradients,
    "stage parts are disjoint and read only their own map": _stage_parts,
    "light answers exactly if there is a light part": _light,
    "images do not see each other in evaluation mode": _images_apart,
    "a network with this head runs at any size": _any_size,
}
