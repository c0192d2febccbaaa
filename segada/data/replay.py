"""The buffer of labelled source frames, and the policies of drawing from it."""

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
from segada.data.labels import IGNORE
from segada.errors import InputError
from segada.settings.domain_use import source_asked_for
from segada.settings.stream import ReplaySettings

Indices: TypeAlias = npt.NDArray[np.int64]
Deal: TypeAlias = Callable[[np.random.Generator], Indices]
"""Function that draws the next frames, as many as the buffer keeps: [N, 2], indices and the classes they were drawn
for."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Replayed frames.

    Attributes:
        batch: The frames.
        classes: Class that each was drawn for, 255 if none.
    """

    batch: Batch
    classes: tuple[int, ...]


class ReplayState(TypedDict):
    """State of a buffer, as plain values for JSON."""

    due: list[list[int]]
    generator: str


class ReplayBuffer:
    """Endless batches of source frames.

    Args:
        frames: Source domain. If it has more than `settings.size` frames, that many are kept.
        settings: Size, and policies of filling and drawing.
        classes: Number of classes.
        generator: Generator of all randomness here; owned by the buffer from now on.
        device: Device that the batches are for; the CPU if not given. They are made on the CPU.
        method: Name of the method that draws, for the message if there are no frames.

    Raises:
        ValueError: A policy is `rare_class` and no frame shows any class.
    """

    def __init__(
        self,
        frames: Frames,
        settings: ReplaySettings,
        classes: int,
        generator: np.random.Generator,
        device: torch.device | None = None,
        method: str = "",
    ) -> None:
        self._frames, self._method = len(frames), method
        kept = FILLS[settings.fill](frames.labels, settings, classes, generator)
        self._feed = Feed(frames, device or torch.device("cpu"))
        self._kept = kept
        self._generator = generator
        # A run without a source has no frames; a method that asks for one is refused then.
        self._deal = POLICIES[settings.policy](frames.labels, kept, settings, classes)
        self._due: Indices = np.empty((0, 2), np.int64)

    def next_batch(self, size: int) -> Batch:
        """Returns the next `size` frames."""
        return self.next_drawn(size).batch

    def next_drawn(self, size: int) -> Drawn:
        """Returns the next `size` frames, and the class that each was drawn for.

        Raises:
            InputError: The run has no source.
        """
        self._check_source()
        while len(self._due) < size:
            self._due = np.concatenate([self._due, self._deal(self._generator)])
        drawn, self._due = np.split(self._due, [size])
        # Frames that are not drawn yet are not prepared ahead: to draw them early would change the state.
        following = self._due[:size, 0] if len(self._due) >= size else None
        return Drawn(self._feed.batch(drawn[:, 0], following), tuple(drawn[:, 1].tolist()))

    def spread(self, count: int) -> Iterator[Batch]:
        """Yields at most `count` of the kept frames, spread evenly over them, one in each batch.

        Draws nothing: the later batches are the same as without this call.

        Raises:
            InputError: The run has no source.
        """
        self._check_source()
        count = min(count, len(self._kept))
        for place in range(count):
            yield self._feed.batch(self._kept[[place * len(self._kept) // count]])

    def _check_source(self) -> None:
        if not self._frames:
            raise InputError(source_asked_for(self._method))

    def state_dict(self) -> ReplayState:
        """Returns everything that determines the later batches."""
        return ReplayState(due=self._due.tolist(), generator=json.dumps(self._generator.bit_generator.state))

    def load_state_dict(self, state: ReplayState) -> None:
        """Continues from the state of another buffer made of the same frames, settings and seed."""
        self._due = np.array(state["due"], np.int64).reshape(-1, 2)
        self._generator.bit_generator.state = json.loads(state["generator"])


def uniform(_labels: Bytes, kept: Indices, _settings: ReplaySettings, _classes: int) -> Deal:
    """Draws every kept frame once, in random order, before any is repeated."""
    return lambda generator: np.column_stack([generator.permutation(kept), np.full(len(kept), IGNORE)])


def rare_class(labels: Bytes, kept: Indices, settings: ReplaySettings, classes: int) -> Deal:
    """Draws a class, rare ones more often, then one of the frames that show it (Hoyer et al. 2022, arXiv
    2111.14887)."""
    showing, probabilities = _rarity(labels, kept, settings, classes, "policy")

    def deal(generator: np.random.Generator) -> Indices:
        chosen = generator.choice(classes, len(kept), p=probabilities)
        return np.array([(generator.choice(showing[drawn]), drawn) for drawn in chosen], np.int64)

    return deal


def filled_at_random(labels: Bytes, settings: ReplaySettings, _classes: int, generator: np.random.Generator) -> Indices:
    """Returns the kept frames, drawn at random."""
    return np.sort(generator.permutation(len(labels))[: settings.size])


def filled_by_rare_classes(
    labels: Bytes, settings: ReplaySettings, classes: int, generator: np.random.Generator
) -> Indices:
    """Returns the kept frames: classes are drawn, rare ones more often, each with one of the frames that show it, until
    there are `settings.size` different frames, as Hamlet fills its buffer; frames without a class are left out.

    A frame that is drawn again is not counted. Here such draws are not made: with p the probability of a class, the
    next new frame is for this class with a probability in proportion to p times the share of its frames that are left.
    """
    showing, probabilities = _rarity(labels, np.arange(len(labels)), settings, classes, "fill")
    every = np.unique(np.concatenate(showing))
    if len(every) <= settings.size:
        return every
    left = np.ones(len(labels), bool)
    kept = list[int]()
    while len(kept) < settings.size:
        shares = np.array([left[frames].mean() if len(frames) else 0.0 for frames in showing])
        weights = probabilities * shares
        # With a low temperature the probabilities of frequent classes are 0.
        weights = weights if weights.sum() > 0.0 else shares
        frames = showing[generator.choice(classes, p=weights / weights.sum())]
        kept.append(int(generator.choice(frames[left[frames]])))
        left[kept[-1]] = False
    return np.sort(np.array(kept, np.int64))


FILLS: Final = {"uniform": filled_at_random, "rare_class": filled_by_rare_classes}


def _rarity(
    labels: Bytes, kept: Indices, settings: ReplaySettings, classes: int, name: str
) -> tuple[list[Indices], npt.NDArray[np.float64]]:
    """Returns the frames that show each class, and the probability of each class; `name` is the setting that asks."""
    pixels = np.stack([np.bincount(labels[index].ravel(), minlength=256)[:classes] for index in kept])
    showing = [kept[column >= settings.min_pixels] for column in pixels.T]
    if not any(map(len, showing)):
        raise ValueError(
            f"no source frame shows stream.replay.min_pixels = {settings.min_pixels} pixels of any class; lower it, or "
            f"set stream.replay.{name} to uniform"
        )
    shown = np.array([len(frames) > 0 for frames in showing])
    return showing, class_probabilities(pixels.sum(axis=0), shown, settings.temperature)


def class_probabilities(
    pixels: npt.NDArray[np.int64], shown: npt.NDArray[np.bool_], temperature: float
) -> npt.NDArray[np.float64]:
    """Returns softmax((1 - f) / temperature) over the classes that some frame shows; f is a class's share of labelled
    pixels.

    Args:
        pixels: Number of pixels of each class [C], over all frames.
        shown: [C]; other classes get probability 0.
        temperature: Above 0; smaller prefers rare classes more.
    """
    frequency = pixels / pixels.sum()
    probabilities: npt.NDArray[np.float64] = softmax(np.where(shown, (1 - frequency) / temperature, -np.inf))
    return probabilities


POLICIES: Final = {"uniform": uniform, "rare_class": rare_class}
