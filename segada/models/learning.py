"""Trainable parameters of a segmentor, and copies of the student that hold only what differs from it."""

import copy
from collections.abc import Collection

from torch import Tensor, nn

from segada.models.encoders.base import strip_adapters
from segada.models.segmentor import Segmentor
from segada.models.weights import load_weights


def learning_parameters(module: nn.Module) -> dict[str, nn.Parameter]:
    """Returns the trainable parameters by name, each once."""
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}


def frozen_copy(student: Segmentor) -> Segmentor:
    """Returns a copy of the student without trainable parameters: a teacher.

    The copy shares every frozen parameter of the student, and has copies of the trainable ones and of all buffers, so
    that its batch norms have statistics of their own. Its modules are copies, too: train and eval mode are independent.
    Names are the student's. The student must be frozen as intended before the call.
    """
    shared: dict[int, object] = {id(kept): kept for kept in student.parameters() if not kept.requires_grad}
    # A generator cannot be copied. A copy of the student never draws from it, since it records no gradients.
    shared[id(student.encoder.generator)] = student.encoder.generator
    return copy.deepcopy(student, shared).requires_grad_(requires_grad=False)


def source_copy(student: Segmentor) -> Segmentor:
    """Returns a copy of the student in evaluation mode and without adapters: the static model.

    Made before the student learns, it is the source model, because adapters start as the identity.
    """
    static = frozen_copy(student)
    strip_adapters(static)
    return static.eval()


def copy_of_checkpoint(student: Segmentor, checkpoint: str, setting: str) -> Segmentor:
    """Returns a static model with the encoder of another checkpoint. It shares nothing with the student, and its head
    is not used.

    Args:
        student: Segmentor whose shape the static model has.
        checkpoint: Checkpoint, as in `model.checkpoint`; a head in it is ignored.
        setting: Path of the setting that names the checkpoint, for the messages.

    Raises:
        ValueError: There is no such checkpoint, or its encoder has another shape.
    """
    bare = source_copy(student)
    own = copy.deepcopy(bare, {id(bare.encoder.generator): bare.encoder.generator})
    load_weights(own, checkpoint, ("head",), setting)
    return own


def changing_state(segmentor: Segmentor, learning: Collection[str]) -> dict[str, Tensor]:
    """Returns the state that a run changes, and that its checkpoint hence needs: the named parameters, and all buffers
    and extra state.

    These are the running statistics and the generator of stochastic depth. The tensors are the segmentor's own;
    `segmentor.load_state_dict(state, strict=False)` restores a saved state.
    """
    frozen = {name for name, _ in segmentor.named_parameters()} - set(learning)
    return {name: tensor for name, tensor in segmentor.state_dict().items() if name not in frozen}
