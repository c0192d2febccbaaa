"""Domain-shift detector (Hamlet, arXiv 2307.15063): windowed means of a signal, and jumps between them."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from segada.settings.hamlet import SignalScale


@dataclass(frozen=True, slots=True)
class Jump:
    """A domain shift.

    Attributes:
        size: Distance of the window's mean from the reference, in thresholds; above 1.
        direction: 1 away from the source domain, -1 back towards it.
        depth: Distance of the window's mean from the source domain: 0 up to `near`, 1 from `far` on.
    """

    size: float
    direction: int
    depth: float

    def between(self, at_near: float, at_far: float) -> float:
        """Returns a quantity linear in the signal from `near` to `far` and constant beyond (Hamlet's lambda)."""
        return at_near + self.depth * (at_far - at_near)


@dataclass(slots=True)
class DetectorState:
    """State of a detector.

    Attributes:
        reference: Mean of the first window of the stream or after a jump; None until that window is full.
        direction: Direction of the latest jump; 0 before the first.
        domain: Number of jumps away from the source domain minus jumps back to it.
        total: Sum of the signal over the window that is being filled.
        count: Number of values in that window.
    """

    reference: float | None = None
    direction: int = 0
    domain: int = 0
    total: float = 0.0
    count: int = 0


class Detector:
    """Compares each window's mean of the signal with a reference.

    The first window sets the reference. A later mean that differs from it by more than the threshold is a jump, after
    which the next window sets a new reference; otherwise the old one stays, so that a slow drift adds up.
    """

    def __init__(self, window: int, scale: SignalScale) -> None:
        """Starts without a reference.

        Args:
            window: Number of values per mean.
            scale: Threshold that a jump exceeds, and the signal's values `near` and `far`.
        """
        self._window = window
        self._scale = scale
        self.state = DetectorState()

    def see(self, value: float) -> Jump | None:
        """Adds the signal's next value; returns the jump if the value completes a window that is one."""
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
        """Returns the state as plain data."""
        return asdict(self.state)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores the state that `state_dict` returned."""
        self.state = DetectorState(**state)
