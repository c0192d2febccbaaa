"""Feeds the detector with the signal of each batch, frame by frame, and logs it."""

from typing import Any

from segada.controllers.base import StepView
from segada.controllers.detector import Detector, Jump
from segada.controllers.signal import SIGNALS, signal
from segada.models.segmentor import Segmentor
from segada.settings.hamlet import DetectorSettings


class ShiftMonitor:
    """Computes the signal from the static model's predictions for each step's frames, and detects jumps."""

    def __init__(self, settings: DetectorSettings, static: Segmentor) -> None:
        """Starts without a reference.

        Args:
            settings: Settings of the detector; `signal` is not `none`.
            static: The static model in evaluation mode.
        """
        self._ask = SIGNALS[settings.signal]
        self._static = static
        self._detector = Detector(settings.window, settings.scale())
        self._latest: dict[str, float] = {}

    def jumps(self, view: StepView) -> list[Jump]:
        """Returns the jumps of windows that end in this step, in order; windows count frames, not steps."""
        assert view.logits is not None
        values: list[float] = signal(self._ask, self._static, view.images, view.logits).tolist()
        jumps = [jump for jump in map(self._detector.see, values) if jump is not None]
        self._latest = {
            "detector.signal": sum(values) / len(values),
            "detector.jump": float(sum(jump.direction for jump in jumps)),
        }
        return jumps

    def watched(self) -> dict[str, float]:
        """Returns the latest step's signal and jump directions, and reference, direction, domain and window fill."""
        state = self._detector.state
        reference = {} if state.reference is None else {"detector.reference": state.reference}
        return {
            **self._latest,
            **reference,
            "detector.direction": float(state.direction),
            "detector.domain": float(state.domain),
            "detector.window": float(state.count),
        }

    def state_dict(self) -> dict[str, Any]:
        """Returns the detector's state."""
        return self._detector.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores the state that `state_dict` returned."""
        self._detector.load_state_dict(state)
