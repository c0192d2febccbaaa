"""What methods with an averaging teacher have in common: two networks, of which one is scored."""

from typing import Literal

from segada.methods.base import MethodParts, State
from segada.methods.learner import Learner
from segada.models.learning import frozen_copy
from segada.models.segmentor import Segmentor
from segada.selftraining.teacher import follow
from segada.settings.learning import OptimizerSettings


class MeanTeacherLearner(Learner):
    """A learner whose student is followed by a teacher: an exponential moving average of what learns."""

    def __init__(
        self, parts: MethodParts, optimizer: OptimizerSettings, evaluated_network: Literal["student", "teacher"]
    ) -> None:
        """Makes the teacher, which starts as the student.

        Args:
            parts: The subclass's own.
            optimizer: Rates and decay.
            evaluated_network: Which of the two is evaluated.
        """
        super().__init__(parts, optimizer)
        self.teacher = frozen_copy(self.student)
        self._evaluated = evaluated_network

    def follow(self, alpha: float) -> None:
        """The teacher moves towards the student; `alpha` is the share of the old teacher in the new one."""
        with self.timer.part("teacher follows"):
            follow(self.learning_of(self.teacher), self.learning_of(self.student), alpha)

    @property
    def evaluated_network(self) -> Segmentor:
        """Student or teacher, as the settings say."""
        return {"student": self.student, "teacher": self.teacher}[self._evaluated]

    @property
    def other_network(self) -> Segmentor:
        """The other one of the two."""
        return {"student": self.teacher, "teacher": self.student}[self._evaluated]

    def state_dict(self) -> State:
        """What learns, of student and teacher; moments; the step count."""
        return {**super().state_dict(), "teacher": self.state_of(self.teacher)}

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` gave."""
        super().load_state_dict(state)
        self.teacher.load_state_dict(state["teacher"], strict=False)
