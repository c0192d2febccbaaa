"""The segmentor of a whole network, of which nothing is known but images, logits and the names of its modules."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from segada.models.networks.outputs import WrongOutput, logits_in
from segada.models.resize import enlarged
from segada.models.segmentor import FrozenPrefix, Segmentor, without_generators

PREFIX: Final = "network."
"""Beginning of the names of a network's parameters in its segmentor; files have the network's own names."""
SEEDS: Final = 2**63 - 1


class WholeSegmentor(Segmentor):
    """A network that maps normalized images [B, 3, H, W] to logits [B, K, h, w].

    All of it is decoded: there is no prefix, and the only map is that of the images. Whatever it draws during training,
    for dropout or stochastic depth, comes from a generator of its own, whose state is part of `state_dict`. As in
    networks of our own parts, nothing is dropped where no gradients are recorded: only batch norms are in train mode
    there, so that a teacher gathers statistics and predicts without noise.

    Args:
        name: Name of the network in settings.
        network: Network on the CPU.
        class_names: Names of its classes.
        generator: Generator of what it draws.
        multiple: Number of which height and width of the images must be a multiple; others are padded with zeros at the
            bottom and at the right.
    """

    def __init__(
        self, name: str, network: nn.Module, class_names: tuple[str, ...], generator: torch.Generator, multiple: int = 1
    ) -> None:
        super().__init__()
        self.name = name
        self.network = network.to(memory_format=torch.channels_last)
        self.class_names = class_names
        self.generator = generator
        self.multiple = multiple

    @property
    def classes(self) -> int:
        """Number K of classes."""
        return len(self.class_names)

    @property
    def title(self) -> str:
        """Name of the network in settings."""
        return self.name

    @property
    def setting(self) -> str:
        """The network, as settings name it."""
        return f"model.network is {self.name}"

    @property
    def joins_batches(self) -> bool:
        """False: batches of images are not joined."""
        return False

    def facts(self) -> dict[str, str]:
        """Returns name and number of classes."""
        return {"network": self.name, "classes": str(self.classes)}

    def storable(self) -> dict[str, Tensor]:
        """Returns parameters and running statistics under the network's own names."""
        return without_generators(self.network.state_dict())

    def encode_frozen(self, images: Tensor) -> FrozenPrefix:
        """Normalizes images.

        Raises:
            ValueError: The images are smaller than 32 pixels on a side.
        """
        with torch.no_grad():
            return FrozenPrefix(self.normalized(images), ())

    def encode_rest(self, prefix: FrozenPrefix, learning_from: int = 0) -> list[Tensor]:  # noqa: ARG002 - no stages
        """Returns the normalized images."""
        return [prefix.images]

    def decode(self, features: Sequence[Tensor]) -> Tensor:
        """Computes logits [B, K, h, w] from normalized images, at the resolution of the network's output.

        Raises:
            ValueError: The output is none of this shape; the message has both shapes.
        """
        (images,) = features
        height, width = images.shape[-2:]
        padding = (-height % self.multiple, -width % self.multiple)
        if not any(padding):
            return self._logits(images)
        padded = functional.pad(images, (0, padding[1], 0, padding[0]))
        return enlarged(self._logits(padded), padded.shape[-2:])[..., :height, :width]

    @torch.no_grad()
    def check_output(self, size: tuple[int, int]) -> None:
        """Runs the network in evaluation mode on one image and checks its logits.

        Raises:
            ValueError: The network fails, or its logits have another shape or are not finite.
        """
        training, images = self.training, self.normalized(_ramp(1, size, self.mean.device))
        self.eval()
        logits = self._tried(images)
        self.train(training)
        if not logits.isfinite().all():
            raise ValueError(
                f"{self.setting}: images of shape {tuple(images.shape)} give logits {tuple(logits.shape)} that are "
                "not finite; initialize it, or give its weights in model.checkpoint"
            )

    @torch.no_grad()
    def check_training(self, size: tuple[int, int]) -> None:
        """Runs the network in train mode on two images and checks its logits, since some networks have other outputs
        there; leaves its statistics and its generator as they were.

        Raises:
            ValueError: The network fails, or its logits have another shape.
        """
        training, images = self.training, self.normalized(_ramp(2, size, self.mean.device))
        kept, state = {name: value.clone() for name, value in self.named_buffers()}, self.generator.get_state()
        self.train()
        with torch.enable_grad():
            self._tried(images)
        self.train(training)
        self.generator.set_state(state)
        for name, value in self.named_buffers():
            value.copy_(kept[name])

    def _tried(self, images: Tensor) -> Tensor:
        try:
            return self.decode([images])
        except WrongOutput:
            raise
        except Exception as error:
            said = (str(error).strip().splitlines() or [""])[0]
            mode = "training" if self.training else "evaluation"
            raise ValueError(
                f"{self.setting}, which fails in {mode} on images of shape {tuple(images.shape)}: "
                f"{type(error).__name__}: {said}; choose another data.size or network"
            ) from error

    def probed_size(self, size: tuple[int, int], largest: int) -> tuple[int, int]:  # noqa: ARG002 - may read no other
        """Returns the size itself, the only one that the network is known to read."""
        return size

    def get_extra_state(self) -> Tensor:
        """Returns the state of the generator, for `state_dict`."""
        return self.generator.get_state()

    def set_extra_state(self, state: Tensor) -> None:
        """Restores the state of the generator, from `load_state_dict`."""
        self.generator.set_state(state.cpu())

    def _logits(self, images: Tensor) -> Tensor:
        with self._mode(images):
            # A copy, because student, teacher and static model read the same images, and a network may overwrite its.
            return logits_in(self.network(images.clone()), self.setting, images, self.classes)

    def _mode(self, images: Tensor) -> AbstractContextManager[None]:
        if torch.is_inference_mode_enabled():
            return _gradients_off()
        if not self.training:
            return nullcontext()
        return self._drawing(images.device) if torch.is_grad_enabled() else self._gathering()

    @contextmanager
    def _drawing(self, device: torch.device) -> Iterator[None]:
        """Seeds the global generators from the network's own, and restores them afterwards."""
        seed = int(torch.randint(SEEDS, (), generator=self.generator))
        devices = [] if device.type == "cpu" else [device]
        with torch.random.fork_rng(devices):
            torch.default_generator.manual_seed(seed)
            for _ in devices:
                torch.cuda.manual_seed(seed)
            yield

    @contextmanager
    def _gathering(self) -> Iterator[None]:
        """Leaves only batch norms in train mode, and returns the others to it afterwards."""
        switched = [
            module
            for module in self.network.modules()
            if module.training and not isinstance(module, nn.modules.batchnorm._NormBase)
        ]
        for module in switched:
            module.training = False
        try:
            yield
        finally:
            for module in switched:
                module.training = True


def _ramp(batch: int, size: tuple[int, int], device: torch.device) -> Tensor:
    """Returns images [B, 3, H, W] in [0, 1] that are not constant, on which a norm would divide by zero."""
    return torch.linspace(0.0, 1.0, batch * 3 * size[0] * size[1], device=device).view(batch, 3, *size)


@contextmanager
def _gradients_off() -> Iterator[None]:
    """Leaves inference mode: what a network keeps of a prediction, such as tables of positions, must serve training."""
    with torch.inference_mode(mode=False), torch.no_grad():
        yield
