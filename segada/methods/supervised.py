"""Supervised learning from labelled source frames: pre-training is this method over a one-domain stream."""

from segada.data.augment import crop_and_flip, jitter_and_blur
from segada.data.batch import Batch
from segada.methods.base import MethodParts
from segada.methods.learner import Learner, Terms
from segada.models.resize import enlarged
from segada.modulation.base import StepPlan
from segada.selftraining.losses import pixel_cross_entropy
from segada.settings.method import SupervisedSettings


class Supervised(Learner):
    """Cross-entropy on augmented replay frames. The visited frames only set the pace: one step per batch of them."""

    def __init__(self, parts: MethodParts) -> None:
        settings = parts.settings.method
        assert isinstance(settings, SupervisedSettings)
        super().__init__(parts, settings.optimiser)
        self._settings = settings
        self._replay = parts.replay
        self._augmentation = parts.augmentation

    def terms(self, target: Batch, plan: StepPlan) -> Terms:
        """The cross-entropy on as many replayed frames as there are visited ones."""
        self.student.train()
        batch = crop_and_flip(
            self._replay.next_batch(len(target.images)).to(target.images.device),
            self._settings.crop,
            self._settings.flip_probability,
            self._augmentation,
        )
        coloured = jitter_and_blur(batch.images, self._settings.colour, self._augmentation)
        features = self.student.encode_rest(self.student.encode_frozen(coloured), plan.first_stage)
        logits = enlarged(self.student.decode(features), batch.labels.shape[-2:])
        return Terms({"clean": pixel_cross_entropy(logits, batch.labels)})
