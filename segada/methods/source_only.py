"""Source-only: the unchanged source model, the baseline of every gain."""

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.methods.base import Method, MethodParts, State, StepLog
from segada.models.segmentor import Segmentor


class SourceOnly(Method):
    """Evaluates the source model without adapting it."""

    def __init__(self, parts: MethodParts) -> None:
        self._network = parts.network.requires_grad_(requires_grad=False)

    def step(self, target: Batch, plan: StepPlan) -> StepLog:  # noqa: ARG002 - no step learns
        """Learns nothing."""
        return {}

    @property
    def evaluated_network(self) -> Segmentor:
        """The source model."""
        return self._network

    def state_dict(self) -> State:
        """Returns an empty state: nothing changes."""
        return {}

    def load_state_dict(self, state: State) -> None:
        """Does nothing: the state is empty."""
