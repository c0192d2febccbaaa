"""Supervised learning from labelled source frames; pre-training is this method on a stream of one domain."""

from dataclasses import replace

import torch
from torch import Tensor

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.data.replay import Drawn
from segada.data.transforms.augment import crop_and_flip, jitter_and_blur
from segada.data.transforms.style import restyle
from segada.data.transforms.windows import cut_windows
from segada.evaluation.evaluator import predicted_classes
from segada.evaluation.label_counts import TRAINING, label_counts
from segada.methods.base import MethodParts
from segada.methods.learner import Learner, Terms
from segada.models.learning import learning_parameters
from segada.models.resize import enlarged
from segada.models.staged_segmentor import StagedSegmentor
from segada.selftraining.losses import class_weights, pixel_cross_entropy
from segada.settings.controller import ControllerSettings
from segada.settings.hamlet import HamletSettings
from segada.settings.method import SupervisedSettings


class Supervised(Learner):
    """Cross-entropy on augmented replay frames. The visited frames only set the number of steps: one per batch of them.

    The light exit of a multi-exit head learns together with the main exit from the same frames. If only the light exit
    learns, the main exit is not run: a light exit is added to a source model that otherwise stays unchanged, running
    statistics included.
    """

    def __init__(self, parts: MethodParts) -> None:
        settings = parts.settings.method
        assert isinstance(settings, SupervisedSettings)
        super().__init__(parts, settings.optimizer)
        self._settings = settings
        names = parts.settings.data.classes.names
        self._class_weights = class_weights(settings.class_weights, names, self.student.mean.device)
        self._replay = parts.replay
        self._min_pixels = parts.settings.stream.replay.min_pixels
        self._augmentation = parts.augmentation
        self._source_frames = parts.source_frames
        self._device = parts.network.mean.device
        light = self.student.light_part()
        of_light = set() if light is None else {id(parameter) for parameter in light.parameters()}
        learning = learning_parameters(self.student).values()
        self._main_learns = any(id(parameter) not in of_light for parameter in learning)
        if not self._main_learns:
            _refuse_idle(settings, parts.settings.controller)

    def terms(self, target: Batch, plan: StepPlan) -> Terms:
        """Returns the cross-entropy of each learning exit, on as many replayed frames as visited ones."""
        with self.timer.part("replay"):
            source = self._replay.next_drawn(len(target.images))
        with self.timer.part("augmentation"):
            batch = self._augmented(source)
        if not self._main_learns:
            with self.timer.part("student's encoder"):
                finest = self._finest(batch.images)
            return Terms({"light": self._light(finest, batch.labels)})
        self.student.train()
        with self.timer.part("student's encoder"):
            features = self.student.encode_rest(self.student.encode_frozen(batch.images), plan.first_stage)
        with self.timer.part("student's head"):
            logits = self.student.decode(features)
        # Before the loss, whose enlarged logits live until the backward pass: the peak of the memory stays the same.
        with self.timer.part("training scores"):
            predictions = predicted_classes(logits, batch.labels.shape[-2:])
            counts = label_counts(predictions, None, batch.labels, self.student.classes)
            del predictions
        with self.timer.part("loss: clean"):
            losses = {"clean": self._cross_entropy(logits, batch.labels)}
        if self._settings.light_weight > 0.0:
            losses["light"] = self._light(features[0], batch.labels)
        return Terms(losses, counts={TRAINING: counts})

    def _augmented(self, source: Drawn) -> Batch:
        settings = self._settings
        color = self.student.preprocessing.mean_color
        batch = cut_windows(source, settings.window, self._min_pixels, self._source_frames, color).to(self._device)
        batch = restyle(batch, settings.style, self._source_frames)
        batch = crop_and_flip(batch, settings.crop, settings.flip_probability, self._augmentation)
        return replace(batch, images=jitter_and_blur(batch.images, settings.color, self._augmentation))

    @torch.no_grad()
    def _finest(self, images: Tensor) -> Tensor:
        """Returns the first stage's feature map of an encoder in which nothing learns; runs no other stage."""
        light = self.student.light_part()
        assert light is not None
        assert isinstance(self.student, StagedSegmentor)
        self.student.eval()
        light.train()
        return self.student.encoder.finest(self.student.normalized(images))

    def _light(self, finest: Tensor, labels: Tensor) -> Tensor:
        assert isinstance(self.student, StagedSegmentor)
        with self.timer.part("student's light exit"):
            logits = self.student.head.light(finest)
        with self.timer.part("loss: light"):
            return self._settings.light_weight * self._cross_entropy(logits, labels)

    def _cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        return pixel_cross_entropy(enlarged(logits, labels.shape[-2:]), labels, by_class=self._class_weights)


def _refuse_idle(settings: SupervisedSettings, controller: ControllerSettings) -> None:
    """Raises ValueError for settings that cannot apply if only the light exit learns and the main exit is not run."""
    if settings.light_weight == 0.0:
        raise ValueError(
            "method.light_weight is 0.0, but only the light exit of this network learns; choose a weight "
            "above 0, or freeze less"
        )
    modular = controller.modular if isinstance(controller, HamletSettings) else None
    if modular is not None and modular.policy == "reward" and modular.loss == "clean":
        raise ValueError(
            "controller.modular.loss is 'clean', but only the light exit of this network learns, so that the "
            "main exit is not run; set it to light"
        )
