"""Share of source classes that class-mix pastes after a jump: fewer for farther domains (arXiv 2307.15063)."""

from dataclasses import dataclass

from segada.controllers.component import Part, PartState
from segada.controllers.detector import Jump
from segada.settings.hamlet import MixPolicySettings


@dataclass(slots=True)
class Share(PartState):
    """State of the mix policy.

    Attributes:
        ratio: Share of classes, in [0, 1]; None keeps the method's.
    """

    ratio: float | None = None


class DynamicMix(Part[Share]):
    """The method's own share until the first jump, and Hamlet's 1 - D with D from 0.5 to 0.75 after it."""

    def __init__(self, settings: MixPolicySettings) -> None:
        super().__init__(Share())
        self._settings = settings

    def jump(self, jump: Jump) -> None:
        """Sets the share by the distance of the domain."""
        if self._settings.policy == "dynamic":
            self.memory.ratio = jump.between(self._settings.near, self._settings.far)

    def watched(self) -> dict[str, float]:
        """Returns the share, unless it is the method's own."""
        return {} if self.memory.ratio is None else {"mix.ratio": self.memory.ratio}
