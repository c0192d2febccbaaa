"""The frames of each step of a stream: arithmetic only, the same for every trial of a study."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segada.settings.stream import StreamSettings


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a stream.

    Attributes:
        number: Number of the step, counted from 0 over the whole stream.
        frames: int64 [at most batch_size], numbers of frames of the visited domain.
        repeats: True if an earlier pass of the visit has used these frames.
    """

    number: int
    frames: npt.NDArray[np.int64]
    repeats: bool = False


class FrameSchedule:
    """Frames of all visits: each visit continues after the frames of the visits before it.

    Paired domains (the same scenes in other weather) therefore never show one scene in two visits until the frames are
    exhausted; then the schedule starts over.
    """

    def __init__(self, stream: StreamSettings, lengths: Mapping[str, int]) -> None:
        """Plans the schedule.

        Args:
            stream: Visits, frames per visit, passes and batch size.
            lengths: Number of frames of each visited domain.
        """
        self._stream = stream
        self._lengths = lengths

    def steps(self, visit: int) -> Iterator[Step]:
        """Yields the steps of a visit, counted from 0."""
        batch_size = self._stream.batch_size
        number = self.steps_before(visit)
        frames = self._numbers(visit)
        for earlier in range(self._stream.passes):
            for start in range(0, len(frames), batch_size):
                yield Step(number, frames[start : start + batch_size], repeats=earlier > 0)
                number += 1

    def steps_before(self, visit: int) -> int:
        """Returns the number of steps of all visits before this one."""
        return sum(self._count(domain) for domain in self._stream.all_visits()[:visit])

    def needed(self, domain: str) -> npt.NDArray[np.int64]:
        """Returns the numbers of the domain's frames that the stream uses, each once, ascending."""
        visits = [visit for visit, name in enumerate(self._stream.all_visits()) if name == domain]
        return np.unique(np.concatenate([self._numbers(visit) for visit in visits]))

    def spread(self, visit: int, count: int) -> npt.NDArray[np.int64]:
        """Returns the numbers of at most `count` different frames of a visit, evenly spaced from its first to its
        last."""
        frames = self._numbers(visit)
        return np.unique(frames[np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(np.int64)])

    def smallest_batch(self) -> int:
        """Returns the number of frames of the smallest batch, which may be the last one of a visit."""
        batch_size = self._stream.batch_size
        counts = [self._frames(domain) for domain in self._stream.all_visits()]
        return min(count % batch_size or batch_size for count in counts)

    def total_steps(self) -> int:
        """Returns the number of steps of the whole stream."""
        return self.steps_before(len(self._stream.all_visits()))

    def _numbers(self, visit: int) -> npt.NDArray[np.int64]:
        visits = self._stream.all_visits()
        begin = sum(self._frames(domain) for domain in visits[:visit])
        return (begin + np.arange(self._frames(visits[visit]))) % self._lengths[visits[visit]]

    def _frames(self, domain: str) -> int:
        available = self._lengths[domain]
        return available if self._stream.frames is None else min(self._stream.frames, available)

    def _count(self, domain: str) -> int:
        return self._stream.passes * -(-self._frames(domain) // self._stream.batch_size)
