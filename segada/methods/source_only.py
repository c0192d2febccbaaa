"""Source-only: the model as it left its training; the baseline that every gain is measured against."""

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.methods.base import Method, MethodParts, State, StepLog
from segada.models.segmentor import Segmentor


class SourceOnly(Method):
    """Does nothing, on purpose."""

    def __init__(self, parts: MethodParts) -> None:
        self._network = parts.network.requires_grad_(requires_grad=False)

    def step(self, target: Batch, plan: StepPlan) -> StepLog:  # noqa: ARG002 - nothing is learned
        """Learns nothing."""
        return {}

    @property
    def evaluated_network(self) -> Segmentor:
        """The source model."""
        return self._network

    def state_dict(self) -> State:
        """Empty: nothing changes."""
        return {}

    def load_state_dict(self, state: State) -> None:
        """Nothing to take back."""
