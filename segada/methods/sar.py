"""SAR: sharpness-aware and reliable entropy minimization (Niu et al. 2023, arXiv 2302.12400).

A step, as in the paper: the gradient of the mean entropy of reliable samples gives an ascent step of length rho; at its
end the gradient is taken anew, over those of the samples that are still reliable, and applied to the weights before the
ascent. If the moving average of the second loss falls below a threshold, the model has collapsed and is reset. For
segmentation, samples are here pixels. As in the authors' code, the moving average takes only losses of steps that have
such samples. Deviations: norms of the last blocks learn, too; AdamW replaces SGD with momentum; the threshold of the
reset is a share of log K, since 0.2 nats are a usual entropy of a segmentation; after a reset the moving average begins
anew, which the authors' code means but undoes (`self.ema = ema` follows its reset), so that it may reset again at once.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.methods.base import MethodParts, State, StepLog
from segada.methods.learner import Learner, Terms
from segada.methods.tent import let_norms_learn
from segada.models.learning import learning_parameters
from segada.models.segmentor import FrozenPrefix
from segada.selftraining.entropy import pixel_entropy
from segada.settings.sar import SarSettings


class Sar(Learner):
    """Trains scales and shifts of the norms on reliable pixels, and resets them on collapse."""

    def __init__(self, parts: MethodParts) -> None:
        settings = parts.settings.method
        assert isinstance(settings, SarSettings)
        let_norms_learn(parts.network)
        super().__init__(parts, settings.optimizer)
        self._settings = settings
        self._uniform = math.log(len(parts.settings.data.classes))
        self._threshold = settings.entropy_threshold * self._uniform
        self._average: float | None = None
        self._reliable_loss: Tensor | None = None
        self._parameters = learning_parameters(self.student)
        self._originals = [value.detach().clone() for value in self._parameters.values()]
        self._first_optimizer = copy.deepcopy(self._optimizer.state_dict())

    def step(self, target: Batch, plan: StepPlan) -> StepLog:
        """Runs a sharpness-aware step, then resets the norms if the loss says that the model has collapsed."""
        log = super().step(target, plan)
        if plan.trains and self._reliable_loss is not None:
            self._recover(float(self._reliable_loss))
        return log

    def terms(self, target: Batch, plan: StepPlan) -> Terms:
        """Returns a term with the value and the gradient of the mean entropy at the end of the ascent."""
        self.student.train()
        self._reliable_loss = None
        with self.timer.part("frozen prefix of target frames"):
            prefix = self.student.encode_frozen(target.images)
        with self.timer.part("student"):
            entropy = self._entropy(prefix, plan)
            reliable = entropy.detach() < self._threshold
            loss = _mean(entropy, reliable)
            watched = {"sure_share": reliable.float().mean()}
            held = self.held_back(plan)
            moving = [value for name, value in self._parameters.items() if name not in held]
            if not (loss.requires_grad and moving):
                return Terms({"entropy": loss}, watched)
            with _ascended(moving, _gradients(loss, moving), self._settings.rho):
                entropy = self._entropy(prefix, plan)
                reliable = reliable & (entropy.detach() < self._threshold)
                second = _mean(entropy, reliable)
                gradients = _gradients(second, moving)
        if reliable.any():
            self._reliable_loss = second.detach()
        linear = torch.stack([(value * slope).sum() for value, slope in zip(moving, gradients, strict=True)]).sum()
        return Terms({"entropy": second.detach() + linear - linear.detach()}, watched)

    def _entropy(self, prefix: FrozenPrefix, plan: StepPlan) -> Tensor:
        logits = self.student.decode(self.student.encode_rest(prefix, plan.first_stage))
        return pixel_entropy(logits)

    def _recover(self, loss: float) -> None:
        decay = self._settings.average_decay
        self._average = loss if self._average is None else decay * self._average + (1 - decay) * loss
        if self._average < self._settings.recovery_threshold * self._uniform:
            self._average = None
            with torch.no_grad():
                torch._foreach_copy_(list(self._parameters.values()), self._originals)
            self._optimizer.load_state_dict(copy.deepcopy(self._first_optimizer))

    def state_dict(self) -> State:
        """Returns the learner's state, and the moving average of the loss once there is one."""
        return super().state_dict() | ({} if self._average is None else {"average": self._average})

    def load_state_dict(self, state: State) -> None:
        """Restores the state that `state_dict` returned."""
        super().load_state_dict(state)
        self._average = state.get("average")


def _mean(entropy: Tensor, chosen: Tensor) -> Tensor:
    """Returns the mean entropy of the chosen pixels; 0 if there is none."""
    return (entropy * chosen).sum() / chosen.sum().clamp(min=1)


def _gradients(loss: Tensor, parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    return list(torch.autograd.grad(loss, parameters, materialize_grads=True))


@contextmanager
def _ascended(parameters: Sequence[nn.Parameter], gradients: Sequence[Tensor], rho: float) -> Iterator[None]:
    """Moves the parameters by rho along the gradient, and back to exactly where they were."""
    before = [value.detach().clone() for value in parameters]
    length = torch.stack([slope.square().sum() for slope in gradients]).sum().sqrt()
    with torch.no_grad():
        torch._foreach_add_(list(parameters), [slope * (rho / (length + 1e-12)) for slope in gradients])
    yield
    with torch.no_grad():
        torch._foreach_copy_(list(parameters), before)
