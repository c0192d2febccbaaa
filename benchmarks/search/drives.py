"""Simulated drives: areas of frames that are correlated in time, of a source model and of runs with other seeds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from segada.metrics import Areas, Floats, mean_iou

SHARES: Final = np.array([0.3, 0.2, 0.15, 0.1, 0.08, 0.06, 0.04, 0.03, 0.02, 0.01, 0.01])
"""Mean shares of the pixels by class, as uneven as those of CamVid's eleven classes."""
EASE: Final = np.array([2.5, 2.0, 2.2, 1.8, 1.0, 0.8, 0.5, 0.3, 0.0, -0.3, 0.0])
"""Logits of the shares of right pixels by class, in the mean over frames."""
PIXELS: Final = 20_000
"""Pixels of a frame in the mean."""
GAIN: Final = 0.3
"""Mean difference of the logits of an adapted network to those of the source model."""
MANY: Final = 4000
"""Frames of one of the drives from which the true mIoU is computed."""


def autoregression(generator: np.random.Generator, frames: int, correlation: float, count: int) -> Floats:
    """Draws series [frames, count] of variance 1, of which values k frames apart have the correlation r^k."""
    noise = generator.standard_normal((frames, count))
    if correlation == 0:
        return noise
    noise[1:] *= np.sqrt(1 - correlation**2)
    for frame in range(1, frames):
        noise[frame] += correlation * noise[frame - 1]
    return noise


def half_independent(generator: np.random.Generator, frames: int, correlation: float, count: int) -> Floats:
    """Draws series [frames, count] of variance 1, of which values k frames apart have the correlation r^k / 2."""
    slow = autoregression(generator, frames, correlation, count)
    return np.asarray(np.sqrt(0.5) * (slow + generator.standard_normal((frames, count))))


PROCESSES: Final[dict[str, Callable[[np.random.Generator, int, float, int], Floats]]] = {
    "ar1": autoregression,
    "mixed": half_independent,
}
"""Draws of series, by name."""


@dataclass(frozen=True)
class World:
    """Drives of one kind.

    Attributes:
        process: Name of the series, one of `PROCESSES`.
        correlation: Correlation r of neighboring frames.
        seed_deviation: Deviation of the logits by seed, of all classes together and of each.
    """

    process: str
    correlation: float
    seed_deviation: float

    def drive(self, generator: np.random.Generator, frames: int, seeds: int) -> tuple[Areas, list[Areas]]:
        """Draws the areas [frames, 3, classes] of the source model on a drive, and those of a run by seed.

        The frames differ in their difficulty, that of their classes, and the areas of these. Where adapting helps
        differs by frame; a seed differs in the mean and, a little, by frame.
        """
        labelled, source = self._scenes(generator, frames)
        adapted = source + self._help(generator, frames)
        runs = []
        for _ in range(seeds):
            drawn = generator.standard_normal() + generator.standard_normal(len(SHARES))
            by_frame = 0.15 * self._series(generator, frames, len(SHARES))
            runs.append(_areas(labelled, adapted + self.seed_deviation * drawn + by_frame))
        return _areas(labelled, source), runs

    def rivals(self, generator: np.random.Generator, frames: int) -> tuple[Areas, Areas]:
        """Draws the areas [frames, 3, classes] of two networks on a drive, of which neither is better."""
        labelled, source = self._scenes(generator, frames)
        one, other = (_areas(labelled, source + self._help(generator, frames)) for _ in range(2))
        return one, other

    def _scenes(self, generator: np.random.Generator, frames: int) -> tuple[Floats, Floats]:
        """Draws the labelled pixels of classes, and the source model's logits of the shares that are right."""
        count = len(SHARES)
        labelled = SHARES * PIXELS * np.exp(0.6 * self._series(generator, frames, count) - 0.18)
        difficulty = 0.5 * self._series(generator, frames, 1) + 0.5 * self._series(generator, frames, count)
        return labelled, EASE + difficulty

    def _help(self, generator: np.random.Generator, frames: int) -> Floats:
        of_classes = 0.2 * self._series(generator, frames, len(SHARES))
        return GAIN + 0.15 * self._series(generator, frames, 1) + of_classes

    def _series(self, generator: np.random.Generator, frames: int, count: int) -> Floats:
        return PROCESSES[self.process](generator, frames, self.correlation, count)

    def truth(self, generator: np.random.Generator, drives: int = 400) -> tuple[float, float]:
        """Returns the mIoU over endless frames of the source model, and of a run in the mean over seeds.

        The frames of long drives have the same distribution whatever their correlation, so that these are independent.
        """
        calm = World("ar1", 0.0, self.seed_deviation)
        pairs = [calm.drive(generator, MANY, 1) for _ in range(drives)]
        return _mean_miou([source for source, _ in pairs]), _mean_miou([runs[0] for _, runs in pairs])


def _areas(labelled: Floats, logits: Floats) -> Areas:
    """Returns areas [frames, 3, classes]; wrong pixels are given to the classes by their shares."""
    right = labelled / (1 + np.exp(-logits))
    wrong = (labelled - right).sum(axis=1, keepdims=True)
    return np.stack([right, right + wrong * SHARES, labelled], axis=1).round().astype(np.int64)


def _mean_miou(several: Sequence[Areas]) -> float:
    return float(np.mean([mean_iou(areas.sum(axis=0)) for areas in several]))
