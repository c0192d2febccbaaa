"""DACS: class-mix self-training with an averaging teacher (Tranheden et al. 2021, arXiv 2007.08702).

Online as in Hamlet (arXiv 2307.15063): every step sees target frames once and as many replayed source frames. The
teacher keeps batch-norm statistics of its own, from target frames only.

Two savings change no number. Source and mixed frames share one encoder pass where the encoder normalises each frame by
itself, as a Mix Transformer does; the head, whose batch norm does not, sees them apart. And the stages in which nothing
learns run once per frame, by the student, for teacher and static model alike.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from segada.data.augment import jitter_and_blur
from segada.data.batch import Batch
from segada.data.labels import THINGS
from segada.methods.base import MethodParts, State
from segada.methods.learner import Learner, Terms
from segada.models.encoder import has_batch_norm
from segada.models.learning import twin, twin_without_adapters
from segada.models.resize import enlarged
from segada.models.segmentor import FrozenPrefix, Segmentor
from segada.modulation.base import StepPlan
from segada.selftraining.class_mix import chosen_classes, paste_mask
from segada.selftraining.feature_distance import class_mask, feature_distance
from segada.selftraining.losses import pixel_cross_entropy
from segada.selftraining.pseudo_labels import PseudoLabels, pseudo_labels
from segada.selftraining.teacher import ema_alpha, follow
from segada.settings.dacs import DacsSettings


@dataclass(frozen=True, slots=True)
class MixedBatch:
    """Class-mixed frames.

    Attributes:
        images: float32 [B, 3, H, W] in [0, 1].
        labels: int64 [B, H, W], the source's where it is pasted, else the teacher's.
        weight: float32 [B, H, W] in [0, 1], 1 where the source is pasted.
    """

    images: Tensor
    labels: Tensor
    weight: Tensor


class Dacs(Learner):
    """Student, teacher and, if a feature distance is asked for, the static model."""

    def __init__(self, parts: MethodParts) -> None:
        settings = parts.settings.method
        assert isinstance(settings, DacsSettings)
        super().__init__(parts, settings.optimiser)
        self._settings = settings
        self._replay = parts.replay
        self._class_mix = parts.class_mix
        self._augmentation = parts.augmentation
        self._teacher = twin(self.student)
        watched = settings.source_feature_distance or settings.target_feature_distance
        self._static = twin_without_adapters(self.student) if watched else None

    def terms(self, target: Batch, plan: StepPlan) -> Terms:
        """Teacher follows, pseudo-labels, class-mix, and the weighted terms."""
        with self.clock.part("teacher follows"):
            alpha = ema_alpha(self.steps, self._settings.ema_alpha)
            follow(self.learning_of(self._teacher), self.learning_of(self.student), alpha)
        with self.clock.part("replay"):
            source = self._replay.next_batch(len(target.images)).to(target.images.device)
        with self.clock.part("frozen prefix of target frames"):
            prefix = self.student.encode_frozen(target.images)
        with self.clock.part("teacher"):
            belief = self._pseudo_labels(prefix, target.labels.shape[-2:])
        with self.clock.part("class-mix"):
            ratio = self._settings.mix_ratio if plan.mix_ratio is None else plan.mix_ratio
            mixed = self._mixed(source, target.images, belief, ratio)
        losses = self._losses(source, mixed, prefix, plan)
        return Terms(losses, {"sure_share": belief.sure_share})

    @property
    def scored(self) -> Segmentor:
        """Student or teacher, as the settings say."""
        return {"student": self.student, "teacher": self._teacher}[self._settings.scored]

    def state_dict(self) -> State:
        """What learns, of student and teacher; moments; the step count."""
        return {**super().state_dict(), "teacher": self.state_of(self._teacher)}

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` gave."""
        super().load_state_dict(state)
        self._teacher.load_state_dict(state["teacher"], strict=False)

    @torch.no_grad()
    def _pseudo_labels(self, target: FrozenPrefix, size: torch.Size) -> PseudoLabels:
        self._teacher.train()
        logits = enlarged(self._teacher.decode(self._teacher.encode_rest(target)), size)
        settings = self._settings
        return pseudo_labels(logits, settings.threshold, settings.ignored_top, settings.ignored_bottom)

    def _losses(self, source: Batch, mixed: MixedBatch, target: FrozenPrefix, plan: StepPlan) -> dict[str, Tensor]:
        settings = self._settings
        self.student.train()
        with self.clock.part("student's encoder"):
            clean = self.student.encode_frozen(source.images)
            prefixes = {"clean": clean}
            if settings.mix_weight:
                prefixes["mix"] = self.student.encode_frozen(mixed.images)
            if settings.target_feature_distance:
                prefixes["target"] = target
            features = self._features(prefixes, plan.first_stage)

        size = source.labels.shape[-2:]
        losses = {}
        with self.clock.part("student's head and losses"):
            clean_logits = enlarged(self.student.decode(features["clean"]), size)
            losses["clean"] = settings.clean_weight * pixel_cross_entropy(clean_logits, source.labels)
            if settings.mix_weight:
                mixed_logits = enlarged(self.student.decode(features["mix"]), size)
                losses["mix"] = settings.mix_weight * pixel_cross_entropy(mixed_logits, mixed.labels, mixed.weight)
        with self.clock.part("feature distance"):
            if settings.source_feature_distance:
                distance = self._distance(features["clean"][-1], clean, source.labels)
                losses["source_feature_distance"] = settings.source_feature_distance * distance
            if settings.target_feature_distance:
                distance = self._distance(features["target"][-1], target)
                losses["target_feature_distance"] = settings.target_feature_distance * distance
        return losses

    def _mixed(self, source: Batch, target: Tensor, belief: PseudoLabels, ratio: float) -> MixedBatch:
        pasted = paste_mask(source.labels, chosen_classes(source.labels, ratio, self._class_mix))
        images = torch.where(pasted.unsqueeze(1), source.images, target)
        return MixedBatch(
            images=jitter_and_blur(images, self._settings.colour, self._augmentation),
            labels=torch.where(pasted, source.labels, belief.labels),
            weight=torch.where(pasted, 1.0, belief.weight),
        )

    def _features(self, prefixes: dict[str, FrozenPrefix], first_stage: int) -> dict[str, list[Tensor]]:
        if has_batch_norm(self.student.encoder):
            return {name: self.student.encode_rest(prefix, first_stage) for name, prefix in prefixes.items()}
        maps = self.student.encode_rest(FrozenPrefix.joined(list(prefixes.values())), first_stage)
        parts = [torch.split(feature, [len(prefix.images) for prefix in prefixes.values()]) for feature in maps]
        return {name: [part[index] for part in parts] for index, name in enumerate(prefixes)}

    def _distance(self, features: Tensor, prefix: FrozenPrefix, labels: Tensor | None = None) -> Tensor:
        assert self._static is not None
        with torch.no_grad():
            reference = self._static.encode_rest(prefix)[-1]
        if labels is None or self._settings.feature_distance_classes == "all":
            return feature_distance(features, reference)
        majority = self._settings.feature_distance_majority
        return feature_distance(features, reference, class_mask(labels, reference.shape[-2:], THINGS, majority))
