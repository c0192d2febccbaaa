"""What of a segmentor learns, and the networks beside the student that hold only what differs."""

import copy
from collections.abc import Collection

from torch import Tensor, nn

from segada.models.encoders.base import strip_adapters
from segada.models.segmentor import Segmentor
from segada.models.weights import load_weights


def learning_parameters(module: nn.Module) -> dict[str, nn.Parameter]:
    """Parameters that learn, by name, each once."""
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}


def frozen_copy(student: Segmentor) -> Segmentor:
    """A segmentor with the student's numbers that never learns by itself: a teacher.

    It shares every parameter that does not learn in the student, and holds copies of those that do and of all buffers,
    so its batch norm keeps statistics of its own. Modules are its own too: train and eval mode do not leak. Names are
    the student's. What learns in the student must be decided before.
    """
    shared: dict[int, object] = {id(kept): kept for kept in student.parameters() if not kept.requires_grad}
    # A generator cannot be copied. A copy never draws from it: it records no gradients.
    shared[id(student.encoder.generator)] = student.encoder.generator
    return copy.deepcopy(student, shared).requires_grad_(requires_grad=False)


def source_copy(student: Segmentor) -> Segmentor:
    """A copy in evaluation mode that carries no adapter: the static model.

    Made before the student learns, it is the source model: adapters start as the identity.
    """
    static = frozen_copy(student)
    strip_adapters(static)
    return static.eval()


def copy_of_checkpoint(student: Segmentor, checkpoint: str, setting: str) -> Segmentor:
    """A static model whose encoder is another's: it shares nothing with the student, and its head says nothing.

    Args:
        student: What it is shaped like.
        checkpoint: As `model.checkpoint`; what it says of a head is left aside.
        setting: What names the checkpoint, for the messages.

    Raises:
        ValueError: no such checkpoint, or its encoder is not of this shape.
    """
    bare = source_copy(student)
    own = copy.deepcopy(bare, {id(bare.encoder.generator): bare.encoder.generator})
    load_weights(own, checkpoint, ("head",), setting)
    return own


def changing_state(segmentor: Segmentor, learning: Collection[str]) -> dict[str, Tensor]:
    """What a run changes, and hence all that its checkpoint needs: the named parameters, and all that is no parameter.

    That is the running statistics and the generator of stochastic depth. The tensors are the segmentor's own;
    `segmentor.load_state_dict(state, strict=False)` puts a saved state back.
    """
    frozen = {name for name, _ in segmentor.named_parameters()} - set(learning)
    return {name: tensor for name, tensor in segmentor.state_dict().items() if name not in frozen}
