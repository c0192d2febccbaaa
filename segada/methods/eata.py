"""EATA: minimizes the entropy of reliable pixels of frames that are not redundant (Niu et al. 2022, arXiv 2204.02610).

The paper classifies images: a sample counts if its entropy H is below E0 = 0.4 log K, with weight exp(E0 - H), and if
its prediction is unlike the moving average of those before. For segmentation, reliability and weight are here those of
pixels, and redundancy is that of frames, by the mean prediction over their reliable pixels. Deviations from the paper:
scales and shifts of layer norms learn, too, and the Fisher information is estimated with labels of source frames
(`method.consolidation`) in place of the source model's own predictions on unlabelled ones; AdamW replaces SGD with
momentum. As in the authors' code, the first reliable samples begin the moving average, later ones enter it only if they
are not redundant, and a batch without a selected sample takes no step, the Fisher regularizer's included.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.methods.base import MethodParts, State
from segada.methods.learner import Learner, Terms
from segada.methods.tent import let_norms_learn
from segada.selftraining.entropy import pixel_entropy
from segada.settings.eata import EataSettings


class Eata(Learner):
    """Trains scales and shifts of the norms on selected pixels and frames."""

    def __init__(self, parts: MethodParts) -> None:
        settings = parts.settings.method
        assert isinstance(settings, EataSettings)
        let_norms_learn(parts.network)
        super().__init__(parts, settings.optimizer)
        self._settings = settings
        self._average: Tensor | None = None
        self._chose_any = False

    def terms(self, target: Batch, plan: StepPlan) -> Terms:
        """Returns the weighted mean entropy of the selected pixels; 0 if there is none."""
        self.student.train()
        with self.timer.part("frozen prefix of target frames"):
            prefix = self.student.encode_frozen(target.images)
        with self.timer.part("student"):
            logits = self.student.decode(self.student.encode_rest(prefix, plan.first_stage))
        entropy = pixel_entropy(logits)
        threshold = self._settings.entropy_threshold * math.log(logits.shape[1])
        with torch.no_grad():
            reliable = entropy < threshold
            chosen = reliable & self._new_frames(logits, reliable)[:, None, None]
            weights = torch.where(chosen, (threshold - entropy).exp(), 0.0)
        self._chose_any = bool(chosen.any())
        loss = (weights * entropy).sum() / chosen.sum().clamp(min=1)
        return Terms({"entropy": loss}, {"sure_share": chosen.float().mean()})

    def held_back(self, plan: StepPlan) -> frozenset[str]:
        """Returns all names after a batch without a selected pixel, which moves nothing, as in the authors' code."""
        return super().held_back(plan) if self._chose_any else frozenset(self._learning)

    def _new_frames(self, logits: Tensor, reliable: Tensor) -> Tensor:
        """Returns True [B] for frames that are not redundant, and takes them into the moving average."""
        count = reliable.sum(dim=(1, 2))
        total = (logits.softmax(dim=1) * reliable[:, None]).sum(dim=(2, 3))
        means = total / count.clamp(min=1)[:, None]
        new = count > 0
        if self._average is not None:
            similarity = functional.cosine_similarity(means, self._average[None], dim=1)
            limit = self._settings.redundancy_threshold
            new = new & ((similarity.abs() < limit) | (limit == 1.0))
        if new.any():
            mean, decay = means[new].mean(dim=0), self._settings.average_decay
            self._average = mean if self._average is None else decay * self._average + (1 - decay) * mean
        return new

    def state_dict(self) -> State:
        """Returns the learner's state, and the moving average once there is one."""
        average = {} if self._average is None else {"average": self._average.clone()}
        return super().state_dict() | average

    def load_state_dict(self, state: State) -> None:
        """Restores the state that `state_dict` returned."""
        super().load_state_dict(state)
        average = state.get("average")
        self._average = None if average is None else average.to(next(self.student.parameters()).device)
