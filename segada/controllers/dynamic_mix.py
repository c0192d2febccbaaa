"""The share of source classes that class-mix pastes after a jump: fewer the farther the domain (arXiv 2307.15063)."""

from dataclasses import dataclass

from segada.controllers.component import Part, PartState
from segada.controllers.detector import Jump
from segada.settings.hamlet import MixPolicySettings


@dataclass(slots=True)
class Share(PartState):
    """What the part remembers.

    Attributes:
        ratio: Of classes, in [0, 1]; None leaves it to the method.
    """

    ratio: float | None = None


class DynamicMix(Part[Share]):
    """The method's own share until the first jump; Hamlet's 1 - D with D from 0.5 to 0.75 after it."""

    def __init__(self, settings: MixPolicySettings) -> None:
        super().__init__(Share())
        self._settings = settings

    def jump(self, jump: Jump) -> None:
        """Sets the share by how far the domain is."""
        if self._settings.policy == "dynamic":
            self.memory.ratio = jump.between(self._settings.near, self._settings.far)

    def watched(self) -> dict[str, float]:
        """The share, where the method's own is not left."""
        return {} if self.memory.ratio is None else {"mix.ratio": self.memory.ratio}
