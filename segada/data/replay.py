"""The buffer of labelled source frames, and which of them are replayed next."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias, TypedDict

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import softmax

from segada.data.batch import Batch
from segada.data.feed import Feed
from segada.data.frames import Bytes, Frames
from segada.data.labels import IGNORE, NUM_CLASSES
from segada.settings.stream import ReplaySettings

Indices: TypeAlias = npt.NDArray[np.int64]
Deal: TypeAlias = Callable[[np.random.Generator], Indices]
"""Gives the frames that come next, as many as the buffer keeps: [N, 2], indices and the classes they were drawn for."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Replayed frames.

    Attributes:
        batch: The frames.
        classes: The class that each was drawn for, 255 where for none.
    """

    batch: Batch
    classes: tuple[int, ...]


class ReplayState(TypedDict):
    """Where a buffer has got to: plain values that JSON can hold."""

    due: list[list[int]]
    generator: str


class ReplayBuffer:
    """Gives batches of source frames without end.

    Args:
        frames: the source domain. If it has more than `settings.size`, that many are kept, drawn at random.
        settings: size and policy.
        generator: decides everything that is random here, and belongs to the buffer from now on.
        device: where the batches will be wanted; the CPU if not given. They are made on the CPU.

    Raises:
        ValueError: the policy is `rare_class` and no frame shows any class.
    """

    def __init__(
        self,
        frames: Frames,
        settings: ReplaySettings,
        generator: np.random.Generator,
        device: torch.device | None = None,
    ) -> None:
        kept = np.sort(generator.permutation(len(frames))[: settings.size])
        self._feed = Feed(frames, device or torch.device("cpu"))
        self._kept = kept
        self._generator = generator
        self._deal = POLICIES[settings.policy](frames.labels, kept, settings)
        self._due: Indices = np.empty((0, 2), np.int64)

    def next_batch(self, size: int) -> Batch:
        """The next `size` frames."""
        return self.next_drawn(size).batch

    def next_drawn(self, size: int) -> Drawn:
        """The next `size` frames, and what each was drawn for."""
        while len(self._due) < size:
            self._due = np.concatenate([self._due, self._deal(self._generator)])
        drawn, self._due = np.split(self._due, [size])
        # What is not dealt yet is not made ahead: to deal it early would change the state.
        following = self._due[:size, 0] if len(self._due) >= size else None
        return Drawn(self._feed.batch(drawn[:, 0], following), tuple(drawn[:, 1].tolist()))

    def spread(self, count: int) -> Iterator[Batch]:
        """At most `count` of the kept frames, spread evenly over them, one in each batch.

        Nothing is drawn: the batches to come are the same as without it.
        """
        count = min(count, len(self._kept))
        for place in range(count):
            yield self._feed.batch(self._kept[[place * len(self._kept) // count]])

    def state_dict(self) -> ReplayState:
        """Everything that decides the batches to come."""
        return ReplayState(due=self._due.tolist(), generator=json.dumps(self._generator.bit_generator.state))

    def load_state_dict(self, state: ReplayState) -> None:
        """Go on from where another buffer was that was made of the same frames, settings and seed."""
        self._due = np.array(state["due"], np.int64).reshape(-1, 2)
        self._generator.bit_generator.state = json.loads(state["generator"])


def uniform(_labels: Bytes, kept: Indices, _settings: ReplaySettings) -> Deal:
    """Every kept frame comes once, in random order, before any comes again."""
    return lambda generator: np.column_stack([generator.permutation(kept), np.full(len(kept), IGNORE)])


def rare_class(labels: Bytes, kept: Indices, settings: ReplaySettings) -> Deal:
    """Draw a class, rare ones more often, then one of the frames that show it (Hoyer et al. 2022, arXiv 2111.14887)."""
    pixels = np.stack([np.bincount(labels[index].ravel(), minlength=256)[:NUM_CLASSES] for index in kept])
    showing = [kept[column >= settings.min_pixels] for column in pixels.T]
    if not any(map(len, showing)):
        raise ValueError(
            f"no source frame shows stream.replay.min_pixels = {settings.min_pixels} pixels of any class; lower it, or "
            "set stream.replay.policy to uniform"
        )
    shown = np.array([len(frames) > 0 for frames in showing])
    probabilities = class_probabilities(pixels.sum(axis=0), shown, settings.temperature)

    def deal(generator: np.random.Generator) -> Indices:
        classes = generator.choice(NUM_CLASSES, len(kept), p=probabilities)
        return np.array([(generator.choice(showing[drawn]), drawn) for drawn in classes], np.int64)

    return deal


def class_probabilities(
    pixels: npt.NDArray[np.int64], shown: npt.NDArray[np.bool_], temperature: float
) -> npt.NDArray[np.float64]:
    """softmax((1 - f) / temperature) over the classes that some frame shows; f is a class's share of labelled pixels.

    Args:
        pixels: of each class [C], over all frames.
        shown: [C]; other classes get probability 0.
        temperature: above 0; smaller prefers rare classes more.
    """
    frequency = pixels / pixels.sum()
    probabilities: npt.NDArray[np.float64] = softmax(np.where(shown, (1 - frequency) / temperature, -np.inf))
    return probabilities


POLICIES: Final = {"uniform": uniform, "rare_class": rare_class}
