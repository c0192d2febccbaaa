"""Domain-adversarial learning in a single stage (Ganin and Lempitsky 2015, arXiv 1409.7495).

A discriminator learns to tell the network's features of source frames from those of target frames. A gradient reversal
between network and discriminator lets the same backward pass teach the network to make them indistinguishable. With L_y
the cross-entropy on source frames and L_d the domain loss, the discriminator descends weight * L_d, and the network
descends L_y - weight * reversal * L_d. Domain labels need no annotation: replayed frames are source (0), visited frames
are target (1). A target frame contributes to L_d alone.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.data.transforms.style import restyle
from segada.evaluation.label_counts import PSEUDO_LABELS
from segada.methods.base import MethodParts, State
from segada.methods.learner import Learner, Terms
from segada.methods.optimizer import Beside
from segada.models.learning import frozen_copy, learning_parameters
from segada.models.resize import enlarged
from segada.models.segmentor import Segmentor
from segada.models.staged_segmentor import StagedSegmentor
from segada.selftraining.discriminator import Discriminator, domain_accuracy, domain_loss, reversed_gradient
from segada.selftraining.losses import class_weights, pixel_cross_entropy
from segada.selftraining.masked_consistency import MaskedConsistency
from segada.selftraining.teacher import ema_alpha, follow
from segada.settings.adversarial import AdversarialSettings


class Adversarial(Learner):
    """Trains a network against a domain discriminator.

    The head's batch norms see target frames only where `features` is `decoder`.

    The discriminator is no part of the result, so a report's `trainable_parameters` leaves it out.
    """

    def __init__(self, parts: MethodParts) -> None:
        settings = parts.settings.method
        assert isinstance(settings, AdversarialSettings)
        self._network_learns = settings.discriminator_training != "only"
        if not self._network_learns:
            parts.network.requires_grad_(requires_grad=False)
        self._discriminator = _discriminator(parts, settings)
        learning = learning_parameters(self._discriminator)
        super().__init__(parts, settings.optimizer, Beside("discriminator", learning, settings.discriminator_rate))
        self._settings = settings
        names = parts.settings.data.classes.names
        self._class_weights = class_weights(settings.class_weights, names, self.student.mean.device)
        self._replay = parts.replay
        self._source_frames = parts.source_frames
        self._clean_weight = settings.clean_weight if self._network_learns else 0.0
        reads_logits = settings.features == "decoder" and settings.weight > 0.0
        counts = parts.settings.evaluation.online
        self._masked = MaskedConsistency(settings.masked_consistency, parts.masking, parts.timer, counts_labels=counts)
        self._teacher = frozen_copy(self.student) if settings.masked_consistency.weight else None
        self._decoded = {"source": reads_logits or self._clean_weight > 0.0, "target": reads_logits}

    def terms(self, target: Batch, plan: StepPlan) -> Terms:
        """Returns the cross-entropy on as many replayed frames as visited ones, and the domain loss on both."""
        with self.timer.part("replay"):
            source = self._replay.next_batch(len(target.images)).to(target.images.device)
            source = restyle(source, self._settings.style, self._source_frames)
        self.student.train(self._network_learns)
        images = {"source": source.images}
        if self._settings.weight:
            images["target"] = target.images
        with self.timer.part("student's encoder"):
            features = {
                name: self.student.encode_rest(self.student.encode_frozen(images[name]), plan.first_stage)
                for name in images
            }
        with self.timer.part("student's head"):
            logits = {name: self.student.decode(features[name]) for name in images if self._decoded[name]}
        losses = {}
        if self._clean_weight:
            with self.timer.part("loss: clean"):
                # The enlarged logits are large, and must not live on after their loss.
                losses["clean"] = self._clean_weight * pixel_cross_entropy(
                    enlarged(logits["source"], source.labels.shape[-2:]), source.labels, by_class=self._class_weights
                )
        watched = {}
        if self._settings.weight:
            with self.timer.part("discriminator"):
                discriminated = self._discriminated({name: maps[-1] for name, maps in features.items()}, logits)
                losses["domain"] = self._settings.weight * domain_loss(*discriminated)
            watched = {"domain_accuracy": domain_accuracy(*discriminated)}
        if self._teacher is not None:
            labels = self._teacher_logits(self._teacher, target)
            losses |= self._masked.terms(self.student, target, labels, plan.first_stage)
        return Terms(losses, watched, {PSEUDO_LABELS: self._masked.counts})

    @torch.no_grad()
    def _teacher_logits(self, teacher: Segmentor, target: Batch) -> Tensor:
        alpha = ema_alpha(self.steps, self._settings.masked_consistency.ema_alpha)
        follow(self.learning_of(teacher), self.learning_of(self.student), alpha)
        with self.timer.part("teacher"):
            teacher.train()
            return teacher.decode(teacher.encode_rest(self.student.encode_frozen(target.images)))

    def enter_domain(self) -> None:
        """Returns running statistics to the source model's if the settings want it, those of a teacher included."""
        self._reset(self.student, self._teacher)

    def state_dict(self) -> State:
        """Returns the state of student, discriminator and optimizer, and that of a teacher if there is one."""
        teacher = {} if self._teacher is None else {"teacher": self.state_of(self._teacher)}
        return {**super().state_dict(), "discriminator": self._discriminator.state_dict(), **teacher}

    def load_state_dict(self, state: State) -> None:
        """Restores the state that `state_dict` returned."""
        super().load_state_dict(state)
        self._discriminator.load_state_dict(state["discriminator"])
        if self._teacher is not None:
            self._teacher.load_state_dict(state["teacher"], strict=False)

    def _discriminated(self, deepest: Mapping[str, Tensor], logits: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Returns the discriminator's logits of the source frames and of the target frames."""
        by_features = {"encoder": deepest, "decoder": {name: value.softmax(dim=1) for name, value in logits.items()}}
        seen = by_features[self._settings.features]
        reversal = self._settings.reversal
        source, target = (self._discriminator(reversed_gradient(seen[name], reversal)) for name in ("source", "target"))
        return source, target


def _discriminator(parts: MethodParts, settings: AdversarialSettings) -> Discriminator:
    network, channels = parts.network, parts.network.classes
    if settings.features == "encoder":
        assert isinstance(network, StagedSegmentor)
        channels = network.encoder.channels[-1]
    made = Discriminator(channels, settings.discriminator_width, settings.granularity, parts.initialization)
    return made.to(network.mean.device).requires_grad_(settings.discriminator_training != "never")
