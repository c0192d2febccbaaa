"""Contrast of target features to prototypes of source classes (RMT, Doebler et al. 2023, arXiv 2211.13081).

Each target feature has three views: its nearest prototype, itself, and the feature of the augmented frame. A projector
maps all of them; views of the same feature attract each other, and all others repel (Khosla et al. 2020).
"""

from collections.abc import Iterable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from segada.data.batch import Batch
from segada.models.segmentor import Segmentor
from segada.selftraining.feature_distance import majority_labels

VIEWS: Final = 3


class Projector(nn.Sequential):
    """Two linear layers with a ReLU between them."""

    def __init__(self, channels: int, width: int, generator: torch.Generator) -> None:
        """Draws the weights uniformly, within one over the square root of the number of inputs, as torch does.

        Args:
            channels: Channels of the features.
            width: Outputs of both layers.
            generator: Generator on the CPU.
        """
        # On the meta device first: PyTorch's own initialization would draw from the global generator.
        with torch.device("meta"):
            super().__init__(nn.Linear(channels, width), nn.ReLU(), nn.Linear(width, width))
        self.to_empty(device="cpu")
        with torch.no_grad():
            for value, inputs in zip(self.parameters(), (channels, channels, width, width), strict=True):
                value.copy_((2 * torch.rand(value.shape, generator=generator) - 1) / inputs**0.5)


@torch.no_grad()
def source_prototypes(network: Segmentor, frames: Iterable[Batch]) -> Tensor:
    """Returns the mean deepest feature of each class over the cells of source frames whose most frequent label it is.

    The network runs in evaluation mode and is returned to its previous mode.

    Args:
        network: The source model.
        frames: Labelled batches.

    Returns:
        float [P, C]; classes without a cell are left out.
    """
    training = network.training
    network.eval()
    features, labels = [], []
    for frame in frames:
        deepest = network.encode(frame.images)[-1]
        features.append(as_rows(deepest))
        labels.append(majority_labels(frame.labels, deepest.shape[-2:], 0.0, network.classes).flatten())
    network.train(training)
    cells, classes = torch.cat(features), torch.cat(labels)
    means = [cells[classes == index].mean(dim=0) for index in range(network.classes) if (classes == index).any()]
    return torch.stack(means) if means else cells.new_zeros(0, cells.shape[1])


def as_rows(features: Tensor) -> Tensor:
    """Returns the cells of feature maps [B, C, h, w] as rows [B * h * w, C]."""
    return features.movedim(1, -1).flatten(0, -2)


def nearest(prototypes: Tensor, features: Tensor) -> Tensor:
    """Returns the prototype of greatest cosine similarity of each row of features, float [N, C], without gradient."""
    with torch.no_grad():
        similarity = functional.normalize(features, dim=1) @ functional.normalize(prototypes, dim=1).T
        return prototypes[similarity.argmax(dim=1)]


def contrastive_loss(views: tuple[Tensor, Tensor, Tensor], projector: nn.Module, temperature: float) -> Tensor:
    """Returns the mean over all views z of -1/2 sum_(p of the same feature) log softmax(z . z' / temperature)_p.

    The softmax runs over all other views z' of the batch; z are unit vectors.

    Args:
        views: Nearest prototypes, features and augmented features, float [N, C] each.
        projector: Map of views to the space in which they are compared.
        temperature: Divisor of the similarities.
    """
    points = functional.normalize(projector(torch.cat(views)), dim=1)
    itself = torch.eye(len(points), dtype=torch.bool, device=points.device)
    similarity = (points @ points.T / temperature).masked_fill(itself, -torch.inf)
    feature = torch.arange(len(views[0]), device=points.device).repeat(VIEWS)
    positive = (feature[:, None] == feature) & ~itself
    return -similarity.log_softmax(dim=1)[positive].mean()
