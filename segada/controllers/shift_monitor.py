"""The detector at work: the signal of each batch, frame by frame, and what there is to see of it."""

from typing import Any

from segada.controllers.base import StepView
from segada.controllers.detector import Detector, Jump
from segada.controllers.signal import SIGNALS, signal
from segada.models.segmentor import Segmentor
from segada.settings.hamlet import DetectorSettings


class ShiftMonitor:
    """Asks the static model about the frames of each step and tells the jumps."""

    def __init__(self, settings: DetectorSettings, static: Segmentor) -> None:
        """Starts without a reference.

        Args:
            settings: `signal` is not `none`.
            static: In evaluation mode.
        """
        self._ask = SIGNALS[settings.signal]
        self._static = static
        self._detector = Detector(settings.window, settings.scale())
        self._latest: dict[str, float] = {}

    def jumps(self, view: StepView) -> list[Jump]:
        """The jumps that windows which end in this step are, in order: frames count, not steps."""
        assert view.logits is not None
        values: list[float] = signal(self._ask, self._static, view.images, view.logits).tolist()
        jumps = [jump for jump in map(self._detector.see, values) if jump is not None]
        self._latest = {
            "detector.signal": sum(values) / len(values),
            "detector.jump": float(sum(jump.direction for jump in jumps)),
        }
        return jumps

    def watched(self) -> dict[str, float]:
        """Of the latest step: its signal, and the directions of its jumps; reference, direction, domain and window."""
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
        """The detector's."""
        return self._detector.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self._detector.load_state_dict(state)
