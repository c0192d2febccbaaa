"""What the parts of Hamlet's control have in common: they react to jumps, and remember plain numbers."""

from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from segada.controllers.detector import Jump


@dataclass(slots=True)
class PartState:
    """Base of what parts remember between steps: numbers, None, and lists of numbers."""


M = TypeVar("M", bound=PartState)


class Part(Generic[M]):
    """One idea of the control.

    Attributes:
        memory: Everything that decides what the part will say and is not in its settings.
    """

    def __init__(self, memory: M) -> None:
        self.memory = memory

    def jump(self, jump: Jump) -> None:
        """Reacts to a shift of the domain; a part that does not care does nothing."""

    def watched(self) -> dict[str, float]:
        """What there is to see, by name."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """The memory, as plain data."""
        return asdict(self.memory)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self.memory = type(self.memory)(**state)
