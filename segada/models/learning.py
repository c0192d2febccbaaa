"""Trainable parameters of a segmentor, and copies of the student that hold only what differs from it."""

import copy
from collections.abc import Collection

import torch
from torch import Tensor, nn

from segada.models.batch_norm import normalize_by_own
from segada.models.segmentor import Segmentor
from segada.models.staged_segmentor import StagedSegmentor
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
    return copy.deepcopy(student, shared | generators(student)).requires_grad_(requires_grad=False)


def generators(network: nn.Module) -> dict[int, object]:
    """Returns the network's random generators, by identity, as the memo of a deep copy that shares them.

    A generator cannot be copied. A copy of the student never draws from it, since it records no gradients.
    """
    held = (value for module in network.modules() for value in vars(module).values())
    return {id(value): value for value in held if isinstance(value, torch.Generator)}


def source_copy(student: Segmentor) -> Segmentor:
    """Returns a copy of the student in evaluation mode and without adapters: the static model.

    Made before the student learns, it is the source model, because adapters start as the identity.
    """
    static = frozen_copy(student)
    static.remove_adapters()
    normalize_by_own(static)
    return static.eval()


def copy_of_checkpoint(student: StagedSegmentor, checkpoint: str, setting: str) -> StagedSegmentor:
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
    own = copy.deepcopy(bare, generators(bare))
    assert isinstance(own, StagedSegmentor)
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
