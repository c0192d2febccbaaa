"""Networks for segmentation of torchvision, with random weights."""

from torchvision import models

from segada.models.networks.contents import BuiltNetwork
from segada.settings.networks import TORCHVISION
from segada.settings.schema import nearest


def build_torchvision(name: str, classes: int) -> BuiltNetwork:
    """Builds `torchvision/NAME` without its auxiliary head; downloads nothing.

    Raises:
        ValueError: There is no such network for segmentation.
    """
    known, own = models.list_models(module=models.segmentation), name.removeprefix(TORCHVISION)
    if own not in known:
        hint = nearest(own, known)
        raise ValueError(f"model.network is {name}, but torchvision has no such network for segmentation; {hint}")
    return BuiltNetwork(models.get_model(own, weights=None, weights_backbone=None, num_classes=classes))
