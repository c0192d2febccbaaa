"""Draws of blocks of frames with replacement."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from hpo.statistics.recordings import Integers, Recordings
from segada.metrics import Floats

AT_ONCE: Final = 2_000_000
"""Greatest number of frames that are drawn at once, for the sake of memory."""


def block_draws(recordings: Recordings, length: int, replicates: int, generator: np.random.Generator) -> Floats:
    """Draws as many frames as there are, in blocks of successive frames of a recording (moving-block bootstrap).

    After the last frame of a recording a block goes on with its first one (Politis and Romano 1992), so that each frame
    is drawn equally often in the mean. A recording that is shorter than a block is drawn whole. The last block of a
    replicate ends where the number of frames is reached. Blocks of one frame are the bootstrap of independent frames.

    Args:
        recordings: Recordings of the frames.
        length: Number of frames in a block.
        replicates: Number of replicates.
        generator: Generator of the draws.

    Returns:
        How often each frame is drawn, [replicates, frames].
    """
    sizes = np.minimum(np.array(recordings.lengths), length)
    # A block in a short recording has fewer frames: it is drawn more often, so that its frames are not.
    chances = (1 / sizes)[recordings.numbers]
    blocks, longest = math.ceil(recordings.frames / int(sizes.min())), int(sizes.max())
    draws = _Draws(recordings, sizes, chances / chances.sum(), blocks, longest)
    at_once = max(AT_ONCE // (blocks * longest), 1)
    parts = [min(at_once, replicates - first) for first in range(0, replicates, at_once)]
    return np.concatenate([draws.counts(part, generator) for part in parts])


def block_variance(series: Floats, recordings: Recordings, length: int) -> float:
    """Returns the variance over the draws of `block_draws` of the mean of a series [frames], without drawing.

    The last block of a replicate, which may be cut, is taken for a share of a whole one.
    """
    centered, total = series - series.mean(), 0.0
    for start, size in zip(recordings.starts, recordings.lengths, strict=True):
        block = min(length, size)
        own = centered[start : start + size]
        sums = np.concatenate([[0.0], np.cumsum(np.concatenate([own, own[: block - 1]]))])
        total += float(((sums[block:] - sums[:-block]) ** 2).sum()) / block
    return total / recordings.frames**2


@dataclass(frozen=True)
class _Draws:
    recordings: Recordings
    sizes: Integers
    chances: Floats
    blocks: int
    longest: int

    def counts(self, replicates: int, generator: np.random.Generator) -> Floats:
        recordings, frames, steps = self.recordings, self.recordings.frames, np.arange(self.longest)
        begins = generator.choice(frames, (replicates, self.blocks), p=self.chances)
        drawn = recordings.numbers[begins]
        starts, lengths = recordings.starts[drawn][..., None], np.array(recordings.lengths)[drawn][..., None]
        members = starts + (begins[..., None] - starts + steps) % lengths
        taken = steps < self.sizes[drawn][..., None]
        # The first `frames` of them count.
        taken = taken & (np.cumsum(taken.reshape(replicates, -1), axis=1).reshape(taken.shape) <= frames)
        cells = members + np.arange(replicates)[:, None, None] * frames
        return np.bincount(cells[taken], minlength=replicates * frames).reshape(replicates, frames).astype(np.float64)
