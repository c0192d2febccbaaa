"""RoTTA: robust batch norm, a balanced memory of frames, a teacher (Yuan et al. 2023, arXiv 2303.13899).

As in the authors' code for classification: the teacher, in evaluation mode, predicts each frame, which then may enter a
memory. After every `update_every` frames the student descends, on strongly augmented frames of the memory, the
cross-entropy to the teacher's softmax on the unaugmented ones, with more weight on newer frames. The teacher follows.

Deviations: categories of the memory (`segada.selftraining.frame_memory`); a step comes at the end of a batch of the
stream, not within it; augmentation changes colors and sharpness alone, since moved pixels have other labels; layer
norms learn beside batch norms.
"""

import torch
from torch import Tensor

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.data.labels import IGNORE
from segada.data.transforms.augment import jitter_and_blur
from segada.methods.base import MethodParts, State, StepLog
from segada.methods.learner import Terms
from segada.methods.mean_teacher import MeanTeacherLearner
from segada.methods.tent import let_norms_learn
from segada.selftraining.entropy import pixel_entropy
from segada.selftraining.frame_memory import FrameMemory, timeliness_weights
from segada.settings.rotta import RottaSettings


class Rotta(MeanTeacherLearner):
    """Student, teacher and the memory. Learns from target frames alone; scales and shifts of norms are what learns."""

    def __init__(self, parts: MethodParts) -> None:
        settings = parts.settings.method
        assert isinstance(settings, RottaSettings)
        let_norms_learn(parts.network)
        super().__init__(parts, settings.optimizer, settings.evaluated_network, settings.masked_consistency)
        self._settings = settings
        self._augmentation = parts.augmentation
        self._memory = FrameMemory(settings.memory, parts.network.classes, settings.timeliness, settings.uncertainty)
        self._ages: list[float] = []
        self._seen = 0

    def step(self, target: Batch, plan: StepPlan) -> StepLog:
        """Offers the frames to the memory; learns from it if enough frames have come."""
        if not plan.trains:
            return {}
        # A reset returns to an empty memory.
        self._guards.remember(self.state_dict)
        before = self._seen // self._settings.update_every
        with self.timer.part("memory"):
            self._offer(target.images)
        if self._seen // self._settings.update_every == before:
            return {}
        images, self._ages = self._memory.frames()
        frames = torch.stack(images)
        unknown = torch.full((len(frames), *frames.shape[-2:]), IGNORE, device=frames.device)
        log = super().step(Batch(frames, unknown), plan)
        self.follow(self._settings.ema_alpha)
        return log

    def terms(self, target: Batch, plan: StepPlan) -> Terms:
        """Returns the weighted cross-entropy of the student's softmax to the teacher's, at the logits' resolution."""
        with self.timer.part("teacher"), torch.no_grad():
            self.teacher.train()
            teacher: Tensor = self.teacher(target.images)
        augmented = jitter_and_blur(target.images, self._settings.color, self._augmentation)
        self.student.train()
        with self.timer.part("student"):
            prefix = self.student.encode_frozen(augmented)
            logits = self.student.decode(self.student.encode_rest(prefix, plan.first_stage))
        by_frame = -(teacher.softmax(dim=1) * logits.log_softmax(dim=1)).sum(dim=1).mean(dim=(1, 2))
        weights = timeliness_weights(self._ages).to(by_frame)
        losses = {"consistency": (weights * by_frame).mean()}
        return Terms(losses | self.masked.terms(self.student, target, teacher, plan.first_stage))

    @torch.no_grad()
    def _offer(self, images: Tensor) -> None:
        self.teacher.eval()
        logits = self.teacher(images)
        entropies = pixel_entropy(logits).mean(dim=(1, 2)).tolist()
        classes = logits.argmax(dim=1).flatten(1)
        for image, predicted, entropy in zip(images, classes, entropies, strict=True):
            counts = torch.bincount(predicted, minlength=self.student.classes)
            self._memory.add(image.clone(), (counts / len(predicted)).tolist(), entropy)
        self._seen += len(images)

    def state_dict(self) -> State:
        """Returns the state of student, teacher and optimizer, the memory, and the number of frames seen."""
        return {**super().state_dict(), "memory": self._memory.state_dict(), "seen": self._seen}

    def load_state_dict(self, state: State) -> None:
        """Restores the state that `state_dict` returned."""
        super().load_state_dict(state)
        self._memory.load_state_dict(state["memory"])
        self._seen = state["seen"]
