"""Contract of every encoder."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from segada.models.build import bare_segmentor
from segada.models.encoders.base import STRIDES, has_batch_norm
from segada.models.learning import changing_state, frozen_copy, learning_parameters, source_copy
from segada.models.staged_segmentor import StagedSegmentor
from segada.models.weights import load_weights, save_weights
from segada.settings.model import ModelSettings
from segada.testing.checks import listed, pictures, require_close, require_equal
from segada.testing.findings import Checks, require

SIZES: Final = ((64, 96), (32, 32), (37, 66), (72, 40))
SIZE: Final = SIZES[0]


@dataclass
class EncoderCase:
    """An encoder by its name in settings.

    Attributes:
        name: Name.
        drop_path: Greatest probability of stochastic depth.
        given: Network with this encoder; None builds it when it is needed.
    """

    name: str
    drop_path: float = 0.0
    given: StagedSegmentor | None = field(default=None, repr=False)

    def build(self, seed: int = 0) -> StagedSegmentor:
        """Builds a network with the encoder and random weights."""
        model = ModelSettings(encoder=self.name, checkpoint=None, head_width=16, drop_path=self.drop_path)
        return bare_segmentor(model, torch.Generator().manual_seed(seed))

    @cached_property
    def _built(self) -> StagedSegmentor:
        return self.given or self.build()

    @property
    def segmentor(self) -> StagedSegmentor:
        """One network for all checks, in evaluation mode, everything learning, without gradients."""
        network = self._built.eval().requires_grad_(requires_grad=True)
        network.zero_grad()
        return network


def assert_shapes(features: Sequence[Tensor], channels: Sequence[int], size: tuple[int, int]) -> None:
    """Requires that two images of a size have maps of the stated channels and of strides 4, 8, 16 and 32."""
    expected = [
        (2, width, -(-size[0] // stride), -(-size[1] // stride))
        for width, stride in zip(channels, STRIDES, strict=True)
    ]
    found = [tuple(feature.shape) for feature in features]
    require(found == expected, f"maps of images of {size} are {found}, not {expected}")


@torch.no_grad()
def _shapes(case: EncoderCase) -> None:
    segmentor = case.segmentor
    for size in SIZES:
        features = segmentor.encode(pictures(size=size))
        assert_shapes(features, segmentor.encoder.channels, size)
        require(all(feature.isfinite().all() for feature in features), "maps are not finite")


@torch.no_grad()
def _stages_alone(case: EncoderCase) -> None:
    encoder, x = case.segmentor.encoder, case.segmentor.normalized(pictures(size=SIZE))
    whole = encoder(x)
    for index, expected in enumerate(whole):
        before = x.clone()
        alone = encoder.run(x, index, index + 1)
        require(len(alone) == 1, f"run(x, {index}, {index + 1}) returns {len(alone)} maps, not 1")
        require_equal(alone[0], expected, f"stage {index} alone gives another map")
        require_equal(x, before, f"stage {index} changes its input")
        x = alone[0]
    require_equal(encoder.run(whole[1], 2, 4)[-1], whole[-1], "stages 2 and 3 from the map of stage 1 differ")


@torch.no_grad()
def _images_apart(case: EncoderCase) -> None:
    segmentor = case.segmentor
    segmentor.train(not has_batch_norm(segmentor.encoder))
    together, alone = segmentor.encode(pictures(3, SIZE)), segmentor.encode(pictures(3, SIZE)[1:2])
    for one, other in zip(together, alone, strict=True):
        require_close(one[1:2], other, "an image alone is encoded otherwise than within a batch")


def _gradients(case: EncoderCase) -> None:
    parameters = dict(case.segmentor.named_parameters())
    loss = case.segmentor(pictures(size=SIZE)).square().sum()
    gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    missed = [name for name, gradient in zip(parameters, gradients, strict=True) if gradient is None]
    require(not missed, f"no gradient reaches {listed(missed)}")


def _own_generator(case: EncoderCase) -> None:
    state = torch.get_rng_state()
    same, other = case.build(), case.build(seed=1)
    require_equal(torch.get_rng_state(), state, "torch's global generator was drawn from; use the one that is given")
    images = case.segmentor.normalized(pictures(size=SIZE))
    for one, again, another in zip(*(net.eval().encoder(images) for net in (case.build(), same, other)), strict=True):
        require_equal(one, again, "the same seed gives another encoder")
        require(not torch.equal(one, another), "another seed gives the same encoder")


def _frozen_prefix(case: EncoderCase) -> None:
    segmentor, encoder = case.segmentor, case.segmentor.encoder
    require(len(encoder.stages) == len(STRIDES), f"it has {len(encoder.stages)} stages, not 4")
    require(encoder.frozen_stages() == 0, f"frozen_stages is {encoder.frozen_stages()} although everything learns")
    encoder.stages[:3].requires_grad_(requires_grad=False)
    summarizing = [index for index, stage in enumerate(encoder.stages[:3]) if has_batch_norm(stage)]
    expected = min([3, *summarizing])
    found = encoder.frozen_stages()
    require(found == expected, f"frozen_stages is {found}, not {expected}, if stages 0 to 2 are frozen")
    prefix = segmentor.encode_frozen(pictures(size=SIZE))
    whole = segmentor.encode(pictures(size=SIZE))
    require(len(prefix.features) == expected, f"the frozen stages give {len(prefix.features)} maps, not {expected}")
    require_equal(segmentor.encode_rest(prefix)[-1], whole[-1], "from the frozen stages on, the last map differs")


def _copies(case: EncoderCase) -> None:
    segmentor, images = case.segmentor, pictures(size=SIZE)
    segmentor.encoder.stages[0].requires_grad_(requires_grad=False)
    teacher, static = frozen_copy(segmentor), source_copy(segmentor)
    own = dict(teacher.named_parameters())
    wrong = [name for name, one in segmentor.named_parameters() if (own[name] is one) == one.requires_grad]
    require(not wrong, f"the teacher shares, or does not share, against the rule: {listed(wrong)}")
    before = segmentor(images).detach()
    state = {name: tensor.clone() for name, tensor in changing_state(segmentor, learning_parameters(segmentor)).items()}
    with torch.no_grad():
        for parameter in learning_parameters(segmentor).values():
            parameter.add_(0.01)
    require_equal(teacher(images), before, "the teacher changes when the student learns")
    require_equal(static(images), before, "the static model changes when the student learns")
    require(not torch.equal(segmentor(images), before), "other weights give the same logits")
    segmentor.load_state_dict(state, strict=False)
    require_equal(segmentor(images), before, "the student's former state gives other logits")


@torch.no_grad()
def _file(case: EncoderCase) -> None:
    other, images = case.build(seed=1).eval(), pictures(size=SIZE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.safetensors"
        save_weights(case.segmentor, path, "")
        require(load_weights(other, str(path)).complete, "a file of its weights does not fill a new network")
    require_equal(other(images), case.segmentor(images), "a new network with its weights file predicts otherwise")


ENCODER_CHECKS: Final[Checks[EncoderCase]] = {
    "maps have the stated channels and the strides 4, 8, 16 and 32": _shapes,
    "each stage works alone and leaves its input": _stages_alone,
    "images do not see each other": _images_apart,
    "gradients reach every parameter": _gradients,
    "its values come from the given generator alone": _own_generator,
    "leading stages that are frozen are computed once": _frozen_prefix,
    "copies share what is frozen and stay when the student learns": _copies,
    "weights return from a file": _file,
}
