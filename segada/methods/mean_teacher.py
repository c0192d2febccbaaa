"""Common base of methods with a mean teacher: two networks, of which one is evaluated."""

from typing import Literal

from torch import Tensor

from segada.data.batch import Batch
from segada.methods.base import MethodParts, State
from segada.methods.learner import Learner
from segada.methods.optimizer import Beside
from segada.models.learning import frozen_copy
from segada.models.segmentor import Segmentor
from segada.selftraining.knowledge_allotment import allotment_of
from segada.selftraining.masked_consistency import MaskedConsistency
from segada.selftraining.teacher import follow
from segada.settings.learning import OptimizerSettings
from segada.settings.masked_consistency import MaskedConsistencySettings


class MeanTeacherLearner(Learner):
    """A learner whose teacher is an exponential moving average of the student's learning parameters."""

    def __init__(
        self,
        parts: MethodParts,
        optimizer: OptimizerSettings,
        evaluated_network: Literal["student", "teacher"],
        masked: MaskedConsistencySettings,
        beside: Beside | None = None,
    ) -> None:
        """Makes the teacher as a copy of the student.

        Args:
            parts: Parts that the subclass was given.
            optimizer: Learning rates and weight decay.
            evaluated_network: Network of the two that is evaluated.
            masked: Settings of the term on masked frames.
            beside: Parameters outside the network that learn too.
        """
        super().__init__(parts, optimizer, beside)
        self.teacher = frozen_copy(self.student)
        self._evaluated = evaluated_network
        self._allotment = allotment_of(parts.settings.adapter, parts.augmentation)
        self.counts_labels = parts.settings.evaluation.online
        self.masked = MaskedConsistency(masked, parts.masking, parts.timer, counts_labels=self.counts_labels)

    def prepare(self, target: Batch) -> dict[str, Tensor]:
        """Allots knowledge to the updates of ViDA if the settings want it."""
        if self._allotment is None:
            return {}
        with self.timer.part("knowledge allotment"):
            return {"uncertainty": self._allotment(self.student, self.teacher, target.images)}

    def follow(self, alpha: float) -> None:
        """Moves the teacher towards the student; `alpha` is the weight of the old teacher."""
        with self.timer.part("teacher follows"):
            follow(self.learning_of(self.teacher), self.learning_of(self.student), alpha)

    @property
    def evaluated_network(self) -> Segmentor:
        """Student or teacher, as `method.evaluated_network` selects."""
        return {"student": self.student, "teacher": self.teacher}[self._evaluated]

    @property
    def other_network(self) -> Segmentor:
        """The network of student and teacher that is not evaluated."""
        return {"student": self.teacher, "teacher": self.student}[self._evaluated]

    def state_dict(self) -> State:
        """Returns the learning parameters of student and teacher, the optimizer's moments, and the step count."""
        return {**super().state_dict(), "teacher": self.state_of(self.teacher)}

    def load_state_dict(self, state: State) -> None:
        """Restores the state that `state_dict` returned."""
        super().load_state_dict(state)
        self.teacher.load_state_dict(state["teacher"], strict=False)
