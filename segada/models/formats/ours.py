"""Our own names: nothing is renamed."""

from collections.abc import Mapping

from torch import Tensor

from segada.models.formats.contents import Reading


def read(tensors: Mapping[str, Tensor]) -> Reading:
    """The tensors as they are."""
    return Reading(tensors)
