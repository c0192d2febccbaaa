"""Supervised learning from labelled source frames: pre-training is this method over a one-domain stream."""

import torch
from torch import Tensor

from segada.data.augment import crop_and_flip, jitter_and_blur
from segada.data.batch import Batch
from segada.methods.base import MethodParts
from segada.methods.learner import Learner, Terms
from segada.models.learning import learning_parameters
from segada.models.resize import enlarged
from segada.modulation.base import StepPlan
from segada.selftraining.losses import pixel_cross_entropy
from segada.settings.method import SupervisedSettings


class Supervised(Learner):
    """Cross-entropy on augmented replay frames. The visited frames only set the pace: one step per batch of them.

    The light exit of a multi-exit head learns beside the main one from the same frames. Where nothing else learns, the
    main exit is not run at all: a source model gains a light exit and stays what it is, running statistics included.
    """

    def __init__(self, parts: MethodParts) -> None:
        settings = parts.settings.method
        assert isinstance(settings, SupervisedSettings)
        super().__init__(parts, settings.optimiser)
        self._settings = settings
        self._replay = parts.replay
        self._augmentation = parts.augmentation
        light = self.student.head.light_part()
        of_light = set() if light is None else {id(parameter) for parameter in light.parameters()}
        learning = learning_parameters(self.student).values()
        self._main_learns = any(id(parameter) not in of_light for parameter in learning)

    def terms(self, target: Batch, plan: StepPlan) -> Terms:
        """The cross-entropy of each exit that learns, on as many replayed frames as there are visited ones."""
        batch = crop_and_flip(
            self._replay.next_batch(len(target.images)).to(target.images.device),
            self._settings.crop,
            self._settings.flip_probability,
            self._augmentation,
        )
        coloured = jitter_and_blur(batch.images, self._settings.colour, self._augmentation)
        if not self._main_learns:
            return Terms({"light": self._light(self._finest(coloured), batch.labels)})
        self.student.train()
        features = self.student.encode_rest(self.student.encode_frozen(coloured), plan.first_stage)
        losses = {"clean": _cross_entropy(self.student.decode(features), batch.labels)}
        if self._settings.light_weight > 0.0:
            losses["light"] = self._light(features[0], batch.labels)
        return Terms(losses)

    @torch.no_grad()
    def _finest(self, images: Tensor) -> Tensor:
        """The map of the first stage of an encoder in which nothing learns; no other stage is run."""
        light = self.student.head.light_part()
        assert light is not None
        self.student.eval()
        light.train()
        return self.student.encoder.run(self.student.normalised(images), 0, 1)[0]

    def _light(self, finest: Tensor, labels: Tensor) -> Tensor:
        return self._settings.light_weight * _cross_entropy(self.student.head.light(finest), labels)


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return pixel_cross_entropy(enlarged(logits, labels.shape[-2:]), labels)
