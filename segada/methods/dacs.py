"""DACS: class-mix self-training with a mean teacher (Tranheden et al. 2021, arXiv 2007.08702).

Online as in Hamlet (arXiv 2307.15063): every step sees a batch of target frames once, and as many replayed source
frames. The teacher keeps its own batch-norm statistics, from target frames only.

Three optimizations leave the numbers unchanged. The student's passes share one encoder pass where the encoder
normalizes each frame by itself, as a Mix Transformer does; the head, which has batch norm, runs once per kind of
frames. The frozen stages run once per frame, for student, teacher and static model together. A pass that no loss term
reads is skipped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.data.labels import IGNORE
from segada.data.replay import Drawn
from segada.data.transforms.augment import crop_and_flip, jitter_and_blur
from segada.data.transforms.style import restyle
from segada.data.transforms.windows import cut_windows
from segada.evaluation.label_counts import PSEUDO_LABELS
from segada.methods.base import MethodParts
from segada.methods.learner import Terms
from segada.methods.mean_teacher import MeanTeacherLearner
from segada.methods.mix_visuals import MixPictures
from segada.models.learning import copy_of_checkpoint, source_copy
from segada.models.resize import enlarged
from segada.models.segmentor import FrozenPrefix, Segmentor
from segada.models.staged_segmentor import StagedSegmentor
from segada.selftraining.class_mix import DRAWS, MixedBatch, pasted_onto, unmixed
from segada.selftraining.entropy import mean_entropy
from segada.selftraining.feature_distance import class_mask, feature_distance, majority_labels
from segada.selftraining.losses import class_weights, pixel_cross_entropy
from segada.selftraining.pseudo_labels import PseudoLabels, ground_truth, pseudo_labels
from segada.selftraining.teacher import ema_alpha
from segada.settings.augmentation import WindowSettings
from segada.settings.dacs import DacsSettings


@dataclass(frozen=True, slots=True)
class Passes:
    """Frames that the loss terms of a step read, with the student's outputs, by kind of frames.

    Attributes:
        source: Replayed frames.
        mixed: Frames and labels of the mix term.
        target: Visited frames, float32 [B, 3, H, W] in [0, 1].
        prefixes: Outputs of the frozen stages for `source`, `mixed` and `target` frames; absent where no term reads
            them.
        features: Feature maps of these kinds of frames, finest first.
        logits: Logits [B, K, H/4, W/4] of these kinds of frames; absent where no term reads them.
    """

    source: Batch
    mixed: MixedBatch
    target: Tensor
    prefixes: dict[str, FrozenPrefix]
    features: dict[str, Sequence[Tensor]]
    logits: dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Term:
    """One loss term.

    Attributes:
        weight: Factor of the loss; a term of weight 0 is left out.
        frames: Kind of frames that the term reads: `source`, `mixed` or `target`.
        loss: Computes the unweighted loss from the passes.
        decoded: True if the term reads the logits of these frames.
    """

    weight: float
    frames: str
    loss: Callable[[Passes], Tensor]
    decoded: bool


class Dacs(MeanTeacherLearner):
    """Student, teacher and, if a feature distance is enabled, the static model."""

    def __init__(self, parts: MethodParts) -> None:
        settings = parts.settings.method
        assert isinstance(settings, DacsSettings)
        super().__init__(parts, settings.optimizer, settings.evaluated_network, settings.masked_consistency)
        self._settings = settings
        self._replay = parts.replay
        self._class_mix = parts.class_mix
        self._augmentation = parts.augmentation
        self._source_frames = parts.source_frames
        self._windows = parts.windows
        self._min_pixels = parts.settings.stream.replay.min_pixels
        self._static = self._static_model()
        classes = parts.settings.data.classes
        self._class_weights = class_weights(settings.class_weights, classes.names, self.student.mean.device)
        # What a target frame shows is not known: no window of it is drawn for a class.
        self._target_window = settings.window.model_copy(update={"class_share": 1.0})
        self._things = [classes.names.index(name) for name in classes.things]
        # Unmixed target frames are the target frames, so one pass serves both.
        self._learned_from = {"class_mix": "mixed", "target_only": "target"}[settings.mixing]
        terms = {
            "clean": Term(settings.clean_weight, "source", self._clean, decoded=True),
            "mix": Term(settings.mix_weight, self._learned_from, self._mix, decoded=True),
            "source_feature_distance": Term(
                settings.source_fdist_lambda, "source", self._source_distance, decoded=False
            ),
            "target_feature_distance": Term(
                settings.target_fdist_lambda, "target", self._target_distance, decoded=False
            ),
            "entropy": Term(settings.entropy_weight, "target", self._entropy, decoded=True),
        }
        self._terms = {name: term for name, term in terms.items() if term.weight}
        self._shows = parts.settings.logging.mix_panels is not None
        self._pictures: MixPictures | None = None

    def terms(self, target: Batch, plan: StepPlan) -> Terms:
        """Moves the teacher, computes pseudo-labels and class-mix, and returns the weighted loss terms."""
        self.follow(ema_alpha(self.steps, self._settings.ema_alpha))
        with self.timer.part("replay"):
            source = self._cut(self._replay.next_drawn(len(target.images)), self._settings.window)
            source = restyle(source.to(target.images.device), self._settings.style, self._source_frames)
            target = self._cut(Drawn(target, (IGNORE,) * len(target.images)), self._target_window)
        with self.timer.part("frozen prefix of target frames"):
            prefix = self.student.encode_frozen(target.images)
        with self.timer.part("teacher"):
            pseudo_labels, masked = self._labelled(prefix, target, plan)
        with self.timer.part("class-mix"):
            mixed = self._mixed(source, target, pseudo_labels, plan.mix_ratio)
        passes = self._passes(source, mixed, target.images, prefix, plan.first_stage)
        losses = {}
        for name, term in self._terms.items():
            with self.timer.part(f"loss: {name}"):
                losses[name] = term.weight * term.loss(passes)
        losses |= masked
        if self._shows:
            self._pictures = self._shown(passes, target, pseudo_labels)
        return Terms(losses, {"sure_share": pseudo_labels.sure_share}, {PSEUDO_LABELS: pseudo_labels.counts})

    def pictures(self) -> MixPictures | None:
        """Returns the tensors of the latest step that learned, if `logging.mix_panels` is set."""
        return self._pictures

    def _static_model(self) -> Segmentor | None:
        settings = self._settings
        if not (settings.source_fdist_lambda or settings.target_fdist_lambda):
            return None
        if settings.reference_checkpoint is None:
            return source_copy(self.student)
        assert isinstance(self.student, StagedSegmentor)
        return copy_of_checkpoint(self.student, settings.reference_checkpoint, "method.reference_checkpoint")

    @torch.no_grad()
    def _teacher_logits(self, target: FrozenPrefix) -> Tensor:
        self.teacher.train()
        return self.teacher.decode(self.teacher.encode_rest(target))

    def _cut(self, drawn: Drawn, window: WindowSettings) -> Batch:
        """Returns windows of frames, some of them mirrored; the frames themselves by default."""
        batch = cut_windows(drawn, window, self._min_pixels, self._windows)
        return crop_and_flip(batch, 1.0, self._settings.flip_probability, self._windows)

    def _labelled(self, prefix: FrozenPrefix, target: Batch, plan: StepPlan) -> tuple[PseudoLabels, dict[str, Tensor]]:
        """Returns pseudo-labels and the term on masked frames; the teacher's logits are freed."""
        settings, logits = self._settings, self._teacher_logits(prefix)
        rows = settings.pseudo_ignore_top, settings.pseudo_ignore_bottom
        truth = target.labels if self.counts_labels else None
        labels = pseudo_labels(enlarged(logits, target.labels.shape[-2:]), settings.pseudo_threshold, *rows, truth)
        self.student.train()
        return labels, self.masked.terms(self.student, target, logits, plan.first_stage, rows)

    def _mixed(self, source: Batch, target: Batch, pseudo_labels: PseudoLabels, ratio: float | None) -> MixedBatch:
        settings = self._settings
        if settings.target_labels == "ground_truth":
            pseudo_labels = ground_truth(pseudo_labels, target.labels)
        if settings.mixing == "target_only" or "mix" not in self._terms:
            return unmixed(target.images, pseudo_labels)
        ratio = settings.mix_ratio if ratio is None else ratio
        pasted = DRAWS[settings.class_draw](source.labels, ratio, self._class_mix)
        mixed = pasted_onto(target.images, pseudo_labels, source, pasted)
        return replace(mixed, images=jitter_and_blur(mixed.images, settings.color, self._augmentation))

    def _passes(
        self, source: Batch, mixed: MixedBatch, target: Tensor, prefix: FrozenPrefix, first_stage: int
    ) -> Passes:
        images = {"source": source.images, "mixed": mixed.images}
        self.student.train()
        with self.timer.part("student's encoder"):
            wanted = dict.fromkeys(term.frames for term in self._terms.values())
            prefixes = {name: self.student.encode_frozen(images[name]) if name in images else prefix for name in wanted}
            features = self._features(prefixes, first_stage)
        with self.timer.part("student's head"):
            decoded = dict.fromkeys(term.frames for term in self._terms.values() if term.decoded)
            logits = {name: self.student.decode(features[name]) for name in decoded}
        return Passes(source, mixed, target, prefixes, features, logits)

    def _features(self, prefixes: dict[str, FrozenPrefix], first_stage: int) -> dict[str, Sequence[Tensor]]:
        if len(prefixes) < 2 or not self.student.joins_batches:
            return {name: self.student.encode_rest(prefix, first_stage) for name, prefix in prefixes.items()}
        maps = self.student.encode_rest(FrozenPrefix.joined(list(prefixes.values())), first_stage)
        parts = [torch.split(feature, [len(prefix.images) for prefix in prefixes.values()]) for feature in maps]
        return {name: [part[index] for part in parts] for index, name in enumerate(prefixes)}

    def _clean(self, passes: Passes) -> Tensor:
        labels = passes.source.labels
        return pixel_cross_entropy(
            enlarged(passes.logits["source"], labels.shape[-2:]), labels, by_class=self._class_weights
        )

    def _mix(self, passes: Passes) -> Tensor:
        mixed = passes.mixed
        logits = enlarged(passes.logits[self._learned_from], mixed.labels.shape[-2:])
        return pixel_cross_entropy(logits, mixed.labels, mixed.weight, self._class_weights)

    def _entropy(self, passes: Passes) -> Tensor:
        return mean_entropy(passes.logits["target"])

    def _source_distance(self, passes: Passes) -> Tensor:
        features = passes.features["source"][-1]
        mask = self._distant(self._cells(passes))
        return feature_distance(features, self._reference(passes.source.images, passes.prefixes["source"]), mask)

    def _target_distance(self, passes: Passes) -> Tensor:
        reference = self._reference(passes.target, passes.prefixes["target"])
        return feature_distance(passes.features["target"][-1], reference)

    @torch.no_grad()
    def _reference(self, images: Tensor, prefix: FrozenPrefix) -> Tensor:
        """Returns the static model's deepest features. Only a copy of the source model reuses the prefix; that of
        another checkpoint may have another preprocessing."""
        assert self._static is not None
        if self._settings.reference_checkpoint is None:
            return self._static.encode_rest(prefix)[-1]
        return self._static.encode(images)[-1]

    def _cells(self, passes: Passes) -> Tensor:
        """Returns the source labels at the resolution of the deepest features, which all kinds of frames share."""
        size = next(iter(passes.features.values()))[-1].shape[-2:]
        return majority_labels(passes.source.labels, size, self._settings.fdist_min_share, self.student.classes)

    def _distant(self, cells: Tensor) -> Tensor | None:
        """Returns the mask of cells that count in the source feature distance; None where all count."""
        return class_mask(cells, self._things) if self._settings.fdist_classes == "things" else None

    def _shown(self, passes: Passes, target: Batch, pseudo_labels: PseudoLabels) -> MixPictures:
        cells = self._cells(passes)
        mask = self._distant(cells)
        counted = torch.ones_like(cells, dtype=torch.bool) if mask is None else mask
        distant = counted & ("source_feature_distance" in self._terms)
        return MixPictures(passes.source, target.images, pseudo_labels.labels, passes.mixed, cells, distant)
