"""Elastic weight consolidation: a penalty on moving important weights (Kirkpatrick et al. 2017, arXiv 1612.00796)."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from segada.data.batch import Batch
from segada.models.resize import enlarged
from segada.models.segmentor import Segmentor
from segada.selftraining.losses import pixel_cross_entropy


def fisher_information(network: Segmentor, parameters: Sequence[Tensor], frames: Iterable[Batch]) -> list[Tensor]:
    """Returns the diagonal empirical Fisher information: the mean over frames of squared log-likelihood gradients.

    A frame's log-likelihood is that of its own labels, averaged over its pixels, which is minus the supervised loss on
    source frames. The penalty's weight therefore means the same at every resolution. The network runs in evaluation
    mode and is returned to its previous mode.

    Args:
        network: The source model.
        parameters: Parameters of the network; those that do not influence the logits get 0.
        frames: Labelled batches of one frame each.

    Returns:
        One tensor for each parameter, of the same shape.
    """
    training = network.training
    network.eval()
    total, count = [torch.zeros_like(parameter) for parameter in parameters], 0
    for frame in frames:
        loss = pixel_cross_entropy(enlarged(network(frame.images), frame.labels.shape[-2:]), frame.labels)
        count += 1
        if loss.requires_grad:
            gradients = torch.autograd.grad(loss, parameters, materialize_grads=True)
            torch._foreach_addcmul_(total, gradients, gradients)
    network.train(training)
    torch._foreach_div_(total, count)
    return total


class Consolidation:
    """The penalty weight/2 * sum F_i (theta_i - theta*_i)^2, with theta* the parameters at construction."""

    def __init__(self, parameters: Sequence[nn.Parameter], fisher: Sequence[Tensor], weight: float) -> None:
        self._parameters = parameters
        self._anchors = [parameter.detach().clone() for parameter in parameters]
        self._fisher = fisher
        self._weight = weight

    def penalty(self) -> Tensor:
        """Returns the penalty at the present parameters: float [], with gradient."""
        both = zip(self._parameters, self._anchors, self._fisher, strict=True)
        sums = [(fisher * (parameter - anchor).square()).sum() for parameter, anchor, fisher in both]
        return self._weight / 2 * torch.stack(sums).sum()
