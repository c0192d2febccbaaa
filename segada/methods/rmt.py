"""RMT: robust mean teacher (Doebler et al. 2023, arXiv 2211.13081).

A step, as in the authors' code: the student descends (S(f(x), t) + S(f(a(x)), t)) / 2, with t the teacher's prediction
of the frame x, a(x) the augmented frame, and S(p, q) half of the cross-entropies of p and q to each other; the
cross-entropy on replayed source frames; and the contrast of features of x and a(x) to the nearest source prototypes.
The teacher follows. A warm-up on source frames, on S alone and at a rate that rises linearly, precedes the first step.

Deviations: for segmentation, S is a mean over pixels, and prototypes and contrast are those of cells of the deepest
feature map, whose class is the most frequent label; a(x) changes colors and sharpness alone, since pixels must stay in
their place. Prototypes come from some source frames and the source model in evaluation mode. One network is evaluated,
not the sum of both. AdamW replaces Adam.
"""

from dataclasses import replace

import torch
from torch import Tensor

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.data.transforms.augment import jitter_and_blur
from segada.evaluation.label_counts import PSEUDO_LABELS
from segada.methods.base import MethodParts, State, StepLog
from segada.methods.learner import Terms
from segada.methods.mean_teacher import MeanTeacherLearner
from segada.methods.optimizer import Beside
from segada.models.learning import learning_parameters
from segada.models.resize import enlarged
from segada.models.segmentor import FrozenPrefix
from segada.selftraining.contrast import Projector, as_rows, contrastive_loss, nearest, source_prototypes
from segada.selftraining.losses import pixel_cross_entropy, symmetric_cross_entropy
from segada.settings.rmt import RmtSettings


class Rmt(MeanTeacherLearner):
    """Student, teacher, and, for the contrastive term, prototypes of the source model and a projector."""

    def __init__(self, parts: MethodParts) -> None:
        settings = parts.settings.method
        assert isinstance(settings, RmtSettings)
        self._settings = settings
        self._prototypes: Tensor | None = None
        self._projector: Projector | None = None
        beside = None
        if settings.contrast_weight:
            device = parts.network.mean.device
            frames = (frame.to(device) for frame in parts.replay.spread(settings.prototype_frames))
            self._prototypes = source_prototypes(parts.network, frames)
            channels = self._prototypes.shape[1]
            self._projector = Projector(channels, settings.projection, parts.initialization).to(device)
            beside = Beside("projector", learning_parameters(self._projector), settings.optimizer.lr)
        networks = settings.evaluated_network, settings.masked_consistency
        super().__init__(parts, settings.optimizer, *networks, beside)
        self._replay = parts.replay
        self._augmentation = parts.augmentation

    def step(self, target: Batch, plan: StepPlan) -> StepLog:
        """Trains the student, then moves the teacher towards it."""
        log = super().step(target, plan)
        if plan.trains:
            self.follow(self._settings.ema_alpha)
        return log

    def terms(self, target: Batch, plan: StepPlan) -> Terms:
        """Returns the weighted terms on the frames, the augmented frames and replayed source frames."""
        settings = self._settings
        with self.timer.part("frozen prefix of target frames"):
            prefix = self.student.encode_frozen(target.images)
        teacher = self._teacher_logits(prefix)
        self.student.train()
        losses: dict[str, Tensor] = {}
        if settings.symmetric_weight or settings.contrast_weight:
            losses |= self._on_target(target, prefix, teacher, plan)
        if settings.clean_weight:
            with self.timer.part("loss: clean"):
                losses["clean"] = settings.clean_weight * self._clean(len(target.images), plan)
        losses |= self.masked.terms(self.student, target, teacher, plan.first_stage)
        return Terms(losses, counts={PSEUDO_LABELS: self.masked.counts})

    def _on_target(self, target: Batch, prefix: FrozenPrefix, teacher: Tensor, plan: StepPlan) -> dict[str, Tensor]:
        settings = self._settings
        losses: dict[str, Tensor] = {}
        augmented = jitter_and_blur(target.images, settings.color, self._augmentation)
        with self.timer.part("student's encoder"):
            features = self.student.encode_rest(prefix, plan.first_stage)
            others = self.student.encode_rest(self.student.encode_frozen(augmented), plan.first_stage)
        if settings.symmetric_weight:
            with self.timer.part("loss: symmetric"):
                both = (symmetric_cross_entropy(self.student.decode(maps), teacher) for maps in (features, others))
                losses["symmetric"] = settings.symmetric_weight * torch.stack(list(both)).mean()
        if settings.contrast_weight:
            with self.timer.part("loss: contrast"):
                losses["contrast"] = settings.contrast_weight * self._contrast(features[-1], others[-1])
        return losses

    @torch.no_grad()
    def _teacher_logits(self, prefix: FrozenPrefix) -> Tensor:
        with self.timer.part("teacher"):
            self.teacher.train()
            return self.teacher.decode(self.teacher.encode_rest(prefix))

    def _clean(self, frames: int, plan: StepPlan) -> Tensor:
        source = self._replay.next_batch(frames).to(self.student.mean.device)
        prefix = self.student.encode_frozen(source.images)
        logits = self.student.decode(self.student.encode_rest(prefix, plan.first_stage))
        return pixel_cross_entropy(enlarged(logits, source.labels.shape[-2:]), source.labels)

    def _contrast(self, features: Tensor, augmented: Tensor) -> Tensor:
        assert self._prototypes is not None
        assert self._projector is not None
        if not len(self._prototypes):
            return 0.0 * features.sum()
        rows = as_rows(features)
        views = (nearest(self._prototypes, rows), rows, as_rows(augmented))
        return contrastive_loss(views, self._projector, self._settings.temperature)

    def warm_up(self, target: Batch, plan: StepPlan) -> None:
        """Runs the steps on source frames; the rate of step i of W is (i + 1) / W of the planned one."""
        count = self._settings.warm_up_steps
        with self.timer.part("warm-up"):
            for index in range(count):
                source = self._replay.next_batch(len(target.images)).to(self.student.mean.device)
                self._optimizer.forget()
                prefix = self.student.encode_frozen(source.images)
                teacher = self._teacher_logits(prefix)
                self.student.train()
                logits = self.student.decode(self.student.encode_rest(prefix, plan.first_stage))
                slow = replace(plan, learning_rate_factor=plan.learning_rate_factor * (index + 1) / count)
                self._optimizer.step(symmetric_cross_entropy(logits, teacher), slow, self.held_back(plan))
                self.follow(self._settings.ema_alpha)

    def state_dict(self) -> State:
        """Returns the state of student, teacher and optimizer, and the projector if there is one."""
        projector = {} if self._projector is None else {"projector": self._projector.state_dict()}
        return super().state_dict() | projector

    def load_state_dict(self, state: State) -> None:
        """Restores the state that `state_dict` returned."""
        super().load_state_dict(state)
        if self._projector is not None:
            self._projector.load_state_dict(state["projector"])
