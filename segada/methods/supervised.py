"""Supervised learning from labelled source frames: pre-training is this method over a one-domain stream."""

from torch import Tensor

from segada.data.augment import crop_and_flip, jitter_and_blur
from segada.methods.base import Method, MethodParts, State, StepLog
from segada.methods.optimiser import Optimiser
from segada.models.learning import changing_state, learning_parameters
from segada.models.resize import enlarged
from segada.models.segmentor import Segmentor
from segada.modulation.base import StepPlan
from segada.selftraining.losses import pixel_cross_entropy
from segada.settings.method import SupervisedSettings


class Supervised(Method):
    """Cross-entropy on augmented replay frames. The visited frames only set the pace: one step per batch of them."""

    def __init__(self, parts: MethodParts) -> None:
        settings = parts.settings.method
        assert isinstance(settings, SupervisedSettings)
        self._settings = settings
        self._replay = parts.replay
        self._augmentation = parts.augmentation
        self._network = parts.network
        learning = learning_parameters(self._network)
        self._learning = tuple(learning)
        self._optimiser = Optimiser(learning, settings.optimiser)

    def step(self, images: Tensor, plan: StepPlan) -> StepLog:
        """One step on as many replayed frames as there are visited ones."""
        self._network.train()
        batch = crop_and_flip(
            self._replay.next_batch(len(images)).to(images.device),
            self._settings.crop,
            self._settings.flip_probability,
            self._augmentation,
        )
        coloured = jitter_and_blur(batch.images, self._settings.colour, self._augmentation)
        loss = pixel_cross_entropy(enlarged(self._network(coloured), batch.labels.shape[-2:]), batch.labels)
        self._optimiser.step(loss, plan)
        return {"clean": loss.detach()}

    @property
    def scored(self) -> Segmentor:
        """The learning network."""
        return self._network

    def state_dict(self) -> State:
        """What learns, and its moments."""
        return {
            "network": changing_state(self._network, self._learning),
            "optimiser": self._optimiser.state_dict(),
        }

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` gave."""
        self._network.load_state_dict(state["network"], strict=False)
        self._optimiser.load_state_dict(state["optimiser"])
