"""Refuses networks that cannot be trained: batch norms with a single value per channel, which has no variance, or no
logits in train mode."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from segada.models.encoders.base import has_batch_norm
from segada.models.learning import learning_parameters
from segada.models.segmentor import Segmentor
from segada.settings import RunSettings
from segada.settings.adversarial import AdversarialSettings
from segada.settings.dacs import DacsSettings
from segada.settings.method import SourceOnlySettings, SupervisedSettings, batch_norm_statistics

LARGE = 64
"""Side in pixels from which no map is a single cell, unless a module averages the map."""


def check_training(network: Segmentor, settings: RunSettings, smallest: int) -> None:
    """Checks that a network that the run's method trains gives logits in train mode, from batches of any size.

    Args:
        network: Network of the run.
        settings: Settings of the run.
        smallest: Number of frames of the smallest batch.

    Raises:
        ValueError: It gives something else, which is said with both shapes; or a batch norm gets a single value, which
            is named with the cure.
    """
    if not _trains(network, settings):
        return
    network.check_training(_trained_size(settings))
    given = batch_norm_statistics(settings.method)
    statistics = "follow" if given is None else given.statistics
    # Frozen and mixed statistics have a variance of their own; those of the target are of one frame in predictions.
    from_one_frame = {"frozen": False, "follow": smallest == 1, "target": True, "mixed": False, "robust": False}
    if from_one_frame[statistics] and has_batch_norm(network):
        _check_batch_norms(network, settings, statistics)


def _check_batch_norms(network: Segmentor, settings: RunSettings, statistics: str) -> None:
    """Checks that every batch norm gets several values per channel from one frame."""
    size = _trained_size(settings)
    norm = _single_valued(network, size)
    if not norm:
        return
    cures = ["stream.batch_size to 2 or more"]
    if settings.stream.batch_size > 1:
        cures = ["stream.batch_size to one that leaves no single frame for the last batch of a visit"]
    if statistics == "target":
        cures = ["method.batch_norm.statistics to follow, mixed or frozen, since a prediction has one frame"]
    if not _single_valued(network, (LARGE, LARGE)):
        cures.append(f"frames or windows (data.size, method.window.size) to more than {min(size)} pixels on a side")
    raise ValueError(
        f"{network.setting}, whose batch norm {norm} gets one value per channel from a batch of "
        f"1 frame of {size[0]} x {size[1]} pixels, and a single value has no variance to train with; set "
        f"{', or '.join(cures)}, or take an encoder without batch norm, such as mit_b0"
    )


def _trained_size(settings: RunSettings) -> tuple[int, int]:
    """Returns height and width of the images that the network is trained on."""
    method = settings.method
    window = method.window.size if isinstance(method, SupervisedSettings | DacsSettings) else None
    return window or settings.data.size


def _trains(network: Segmentor, settings: RunSettings) -> bool:
    """Returns True if the network runs in train mode."""
    method = settings.method
    if isinstance(method, AdversarialSettings):
        return method.discriminator_training != "only"
    if isinstance(method, SupervisedSettings):
        light = network.light_part()
        alone = set() if light is None else {id(parameter) for parameter in light.parameters()}
        return any(id(parameter) not in alone for parameter in learning_parameters(network).values())
    return not isinstance(method, SourceOnlySettings)


@torch.no_grad()
def _single_valued(network: Segmentor, size: tuple[int, int]) -> str:
    """Returns the name of the first batch norm that gets one value per channel from a frame; empty if there is none."""
    found = list[str]()
    norms = {name: part for name, part in network.named_modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)}
    hooks = [norm.register_forward_pre_hook(_watch(name, found)) for name, norm in norms.items()]
    training = network.training
    network.eval()
    network(torch.zeros(1, 3, *network.probed_size(size, LARGE), device=network.mean.device))
    network.train(training)
    for hook in hooks:
        hook.remove()
    return found[0] if found else ""


def _watch(name: str, found: list[str]) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def see(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if inputs[0].numel() == inputs[0].shape[1]:
            found.append(name)

    return see
