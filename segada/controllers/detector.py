"""The domain-shift detector (Hamlet, arXiv 2307.15063): windowed means of a signal, and when they jump."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from segada.settings.hamlet import SignalScale


@dataclass(frozen=True, slots=True)
class Jump:
    """A shift of the domain.

    Attributes:
        size: How far the window's mean lies from the reference, in thresholds; above 1.
        direction: 1 away from the source domain, -1 back towards it.
        depth: How far from the source domain the window's mean lies: 0 up to `near`, 1 from `far` on.
    """

    size: float
    direction: int
    depth: float

    def between(self, at_near: float, at_far: float) -> float:
        """A quantity that is linear in the signal from `near` to `far`, and constant beyond (Hamlet's lambda)."""
        return at_near + self.depth * (at_far - at_near)


@dataclass(slots=True)
class DetectorState:
    """What a detector remembers.

    Attributes:
        reference: Mean of the first window after a jump, or of all; None until there is one.
        direction: Of the latest jump; 0 before the first.
        domain: Jumps away from the source domain less those back to it.
        total: Sum of the signal over the window that is being filled.
        count: Values in it.
    """

    reference: float | None = None
    direction: int = 0
    domain: int = 0
    total: float = 0.0
    count: int = 0


class Detector:
    """Compares each window's mean with a reference.

    The first window sets the reference. A later mean that differs from it by more than the threshold is a jump, after
    which the next window sets a new reference; otherwise the old one stays, so that a slow drift adds up.
    """

    def __init__(self, window: int, scale: SignalScale) -> None:
        """Starts without a reference.

        Args:
            window: Values per mean.
            scale: The difference that a jump exceeds, and what is near and far.
        """
        self._window = window
        self._scale = scale
        self.state = DetectorState()

    def see(self, value: float) -> Jump | None:
        """Takes the signal's next value; the jump, if this value fills a window that is one."""
        state = self.state
        state.total += value
        state.count += 1
        if state.count < self._window:
            return None
        mean = state.total / state.count
        state.total, state.count = 0.0, 0
        if state.reference is None:
            state.reference = mean
            return None
        change = mean - state.reference
        if abs(change) <= self._scale.threshold:
            return None
        state.reference = None
        state.direction = 1 if change > 0 else -1
        state.domain += state.direction
        depth = float(np.interp(mean, [self._scale.near, self._scale.far], [0.0, 1.0]))
        return Jump(abs(change) / self._scale.threshold, state.direction, depth)

    def state_dict(self) -> dict[str, Any]:
        """The sight, as plain data."""
        return asdict(self.state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self.state = DetectorState(**state)
