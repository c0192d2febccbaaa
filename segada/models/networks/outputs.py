"""Logits in the output of a network, which libraries wrap in mappings and objects."""

from collections.abc import Mapping
from typing import Final

from torch import Tensor

KEYS: Final = ("logits", "out")
"""Names of the logits in the outputs of transformers and of torchvision."""


class WrongOutput(ValueError):
    """An output that is no logits of the right shape; the message has both shapes."""


def logits_in(output: object, network: str, images: Tensor, classes: int) -> Tensor:
    """Returns the logits [B, K, h, w] of an output.

    Args:
        output: A tensor; a mapping with `logits` or `out`; or an object with an attribute `logits`.
        network: Setting of the network and its value, for the messages.
        images: Images [B, 3, H, W] that the output is of.
        classes: Number K of classes.

    Raises:
        WrongOutput: There are none, or they have another shape.
    """
    found = _unwrapped(output)
    read = f"{network}: images of shape {tuple(images.shape)}"
    if found is None:
        kind = f"a mapping with {', '.join(map(str, output))}" if isinstance(output, Mapping) else type(output).__name__
        raise WrongOutput(
            f"{read} give {kind}, but logits [B, K, h, w] are needed: a tensor, or a mapping with "
            f"{' or '.join(KEYS)}; return one of these"
        )
    expected = (len(images), classes)
    if found.ndim != 4 or tuple(found.shape[:2]) != expected:
        cure = "build it for as many classes as data.classes has"
        if found.ndim != 4:
            cure = "return a score for each class and pixel"
        raise WrongOutput(
            f"{read} give logits of shape {tuple(found.shape)}, but ({expected[0]}, {expected[1]}, h, w) is needed for "
            f"the {classes} classes of data.classes; {cure}"
        )
    return found


def _unwrapped(output: object) -> Tensor | None:
    if isinstance(output, Mapping):
        output = next((output[key] for key in KEYS if key in output), None)
    elif not isinstance(output, Tensor):
        output = getattr(output, "logits", None)
    return output if isinstance(output, Tensor) else None
