"""Base of the parts of Hamlet's controller, which react to jumps and keep plain numbers as state."""

from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from segada.controllers.detector import Jump


@dataclass(slots=True)
class PartState:
    """Base of the state that parts keep between steps: numbers, None, and lists of numbers."""


M = TypeVar("M", bound=PartState)


class Part(Generic[M]):
    """One mechanism of the controller.

    Attributes:
        memory: State that, with the settings, determines the further behavior of the part.
    """

    def __init__(self, memory: M) -> None:
        self.memory = memory

    def jump(self, jump: Jump) -> None:
        """Reacts to a domain shift; does nothing by default."""

    def watched(self) -> dict[str, float]:
        """Returns logged quantities by name."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Returns the state as plain data."""
        return asdict(self.memory)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores the state that `state_dict` returned."""
        self.memory = type(self.memory)(**state)
