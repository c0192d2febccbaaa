"""CoTTA: averaging teacher, predictions averaged over views, random restoration (Wang et al. 2022, arXiv 2203.13591).

A step, as in the paper: the teacher's predictions are averaged over augmented views where the source model is not
confident; the student descends its cross-entropy to these soft pseudo-labels; the teacher follows the student; some of
the student's parameter elements are restored to the source model's values. The paper decides for whole frames whether
the source model is confident; its code for segmentation, followed here, decides for pixels. Pseudo-labels and loss have
the logits' resolution. That code also hardens the pseudo-labels, at the resolution of the frame, and scores them as its
predictions: `method.pseudo_labels: hard` and `method.prediction: averaged`.

Batch norms: the authors' code for segmentation runs every network in evaluation mode, so that they keep the source
model's statistics (`method.batch_norm.statistics: frozen`). With `follow`, the student, and the teacher on the
unaugmented frame, use and gather the statistics of the batch; on further views, whose sizes would mix in other
statistics, the teacher uses the statistics that it has gathered.
"""

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.evaluation.label_counts import PSEUDO_LABELS, label_counts
from segada.methods.base import MethodParts, StepLog
from segada.methods.learner import Terms
from segada.methods.mean_teacher import MeanTeacherLearner
from segada.methods.optimizer import Beside
from segada.models.learning import learning_parameters, source_copy
from segada.models.resize import enlarged
from segada.models.segmentor import SMALLEST_SIDE, FrozenPrefix, Segmentor
from segada.selftraining.losses import pixel_cross_entropy, soft_cross_entropy
from segada.selftraining.restoration import restore
from segada.settings.cotta import AveragedTeacherSettings

TINY: Final = torch.finfo(torch.float32).tiny
"""Least probability in a prediction, whose logarithm is finite."""


class Cotta(MeanTeacherLearner):
    """Student, teacher, and the source model, whose confidence decides where views are averaged.

    Learns from target frames alone. Source frames are read only once, at the start, for the Fisher information if
    consolidation is enabled. Adapters, which the source model does not have, are restored to their initialization: the
    identity.
    """

    def __init__(self, parts: MethodParts, beside: Beside | None = None) -> None:
        settings = parts.settings.method
        assert isinstance(settings, AveragedTeacherSettings)
        _refuse_small(settings, parts.settings.data.size)
        super().__init__(parts, settings.optimizer, settings.evaluated_network, settings.masked_consistency, beside)
        self._settings = settings
        self._restoration = parts.restoration
        self._source_model = source_copy(self.student)
        learning = learning_parameters(self.student)
        self._originals = {name: parameter.detach().clone() for name, parameter in learning.items()}

    def step(self, target: Batch, plan: StepPlan) -> StepLog:
        """Trains the student, moves the teacher towards it, then restores some elements of the student."""
        log = super().step(target, plan)
        if plan.trains:
            self.follow(self._settings.ema_alpha)
            with self.timer.part("restoration"):
                self._restore(plan)
        return log

    def terms(self, target: Batch, plan: StepPlan) -> Terms:
        """Returns the cross-entropy from the teacher's pseudo-labels to the student's predictions."""
        with self.timer.part("frozen prefix of target frames"):
            prefix = self.student.encode_frozen(target.images)
        hard = self._settings.pseudo_labels == "hard"
        self.teacher.train()
        pseudo_labels, sure = self.pseudo_labels(target.images, prefix, of_frame=hard)
        counts = None
        if self.counts_labels:
            counts = label_counts(pseudo_labels.argmax(dim=1), sure, target.labels, self.student.classes)
        # In evaluation mode, as in the authors' code, nothing is dropped at random either.
        self.student.train(self._settings.batch_norm.statistics != "frozen")
        with self.timer.part("student"):
            logits = self.student.decode(self.student_maps(prefix, plan))
        losses = {"consistency": self._cross_entropy(logits, pseudo_labels)}
        losses |= self.masked.terms(self.student, target, pseudo_labels.clamp(min=TINY).log(), plan.first_stage)
        return Terms(losses, {"sure_share": sure.float().mean()}, {PSEUDO_LABELS: counts})

    def predict(self, images: Tensor) -> Tensor:
        """Returns logits [B, K, H/4, W/4] of the evaluated network, or logarithms of the averaged probabilities
        [B, K, H, W]."""
        if self._settings.prediction == "direct":
            return super().predict(images)
        self.teacher.eval()
        return self.pseudo_labels(images, self.student.encode_frozen(images), of_frame=True)[0].clamp(min=TINY).log()

    def student_maps(self, prefix: FrozenPrefix, plan: StepPlan) -> list[Tensor]:
        """Returns the student's maps of frames, with gradients."""
        return self.student.encode_rest(prefix, plan.first_stage)

    def teacher_input(self, prefix: FrozenPrefix, *, mirrored: bool = False) -> FrozenPrefix:  # noqa: ARG002
        """Returns what the teacher reads of a view, of which `prefix` is the frozen prefix."""
        return prefix

    def _cross_entropy(self, logits: Tensor, pseudo_labels: Tensor) -> Tensor:
        if self._settings.pseudo_labels == "soft":
            return soft_cross_entropy(logits, pseudo_labels)
        labels = pseudo_labels.argmax(dim=1)
        return pixel_cross_entropy(enlarged(logits, labels.shape[-2:]), labels)

    @torch.no_grad()
    def pseudo_labels(self, images: Tensor, prefix: FrozenPrefix, *, of_frame: bool) -> tuple[Tensor, Tensor]:
        """Returns probabilities, and where the source model is confident, bool of their resolution.

        Args:
            images: Frames [B, 3, H, W].
            prefix: Outputs of the frozen stages for them.
            of_frame: Whether the probabilities have the resolution of the frames, [B, K, H, W], or that of the logits,
                [B, K, H/4, W/4].
        """
        size = images.shape[-2:] if of_frame else None
        with self.timer.part("source model"):
            confidence = _probabilities(self._source_model, prefix, size).amax(dim=1, keepdim=True)
            sure = confidence >= self._settings.confidence_threshold
        with self.timer.part("teacher"):
            direct = _probabilities(self.teacher, self.teacher_input(prefix), size)
        if not sure.all():
            with self.timer.part("teacher's further views"):
                direct = torch.where(sure, direct, self._averaged(direct, images))
        return direct, sure[:, 0]

    def _averaged(self, direct: Tensor, images: Tensor) -> Tensor:
        self.teacher.eval()
        total, count, size = direct, 1, direct.shape[-2:]
        for view, mirrored in self._views(images):
            prefix = self.teacher_input(self.student.encode_frozen(view), mirrored=mirrored)
            logits = self.teacher.decode(self.teacher.encode_rest(prefix))
            probabilities = enlarged(logits.flip(-1) if mirrored else logits, size).softmax(dim=1)
            total, count = total + probabilities, count + 1
        return total / count

    def _views(self, images: Tensor) -> Iterator[tuple[Tensor, bool]]:
        """Yields every view but the unaugmented images, each with True if it is mirrored."""
        for scale in (1.0, *self._settings.scales):
            view = images if scale == 1.0 else _scaled(images, scale)
            if scale != 1.0:
                yield view, False
            if self._settings.flips:
                yield view.flip(-1), True

    def _restore(self, plan: StepPlan) -> None:
        held = self.held_back(plan)
        learning = {name: value for name, value in learning_parameters(self.student).items() if name not in held}
        if learning:
            originals = [self._originals[name] for name in learning]
            restore(list(learning.values()), originals, self._settings.restore, self._restoration)


def _probabilities(network: Segmentor, prefix: FrozenPrefix, size: torch.Size | None) -> Tensor:
    logits = network.decode(network.encode_rest(prefix))
    return (logits if size is None else enlarged(logits, size)).softmax(dim=1)


def _scaled(images: Tensor, scale: float) -> Tensor:
    height, width = images.shape[-2:]
    return functional.interpolate(images, (round(height * scale), round(width * scale)), mode="bilinear")


def _refuse_small(settings: AveragedTeacherSettings, size: tuple[int, int]) -> None:
    least = min(settings.scales, default=1.0)
    if round(least * min(size)) < SMALLEST_SIDE:
        raise ValueError(
            f"method.scales has {least}, but data.size {size[0]} x {size[1]} would then be smaller than "
            f"{SMALLEST_SIDE} pixels on a side; choose scales from {SMALLEST_SIDE / min(size):.3g} on, or larger frames"
        )
