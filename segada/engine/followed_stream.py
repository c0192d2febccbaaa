"""The steps of a stream without an end: each as soon as its frames have arrived."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from segada.cli.signals import Asked, never
from segada.core.printing import tell
from segada.data.arrivals import Arrivals, NamePipe, WatchedFolder
from segada.data.batch import Batch, to_batch
from segada.data.datasets.picture_files import read_image, resized_image
from segada.data.frame_schedule import Step
from segada.data.frames import Bytes, Frames
from segada.data.labels import IGNORE
from segada.engine.run_data import RunData
from segada.engine.run_stream import PlannedStream, Ready, RunStream
from segada.settings import RunSettings
from segada.settings.domains import FoldersDomain
from segada.settings.folders import expand
from segada.settings.follow import FollowSettings

PAUSE: Final = 0.25
"""Seconds between two looks for new frames."""
MINUTE: Final = 60.0


def stream_of(settings: RunSettings, run_data: RunData) -> RunStream:
    """Returns the stream of a run; raises ValueError if a folder or pipe that it follows is missing."""
    follow = settings.stream.follow
    return PlannedStream(settings, run_data) if follow is None else FollowedStream(settings, follow)


class StreamEnded(Exception):
    """A visit ended before a frame came: the run was stopped, or the stream is over."""


class FollowedStream:
    """Batches of frames that arrive. A visit ends after `checkpoint_minutes`, when the run is stopped, or with the
    stream.

    Args:
        settings: Settings of the run, with `stream.follow`.
        follow: These.
        arrivals: Source of the frames; that of the settings if not given.
        clock: Returns the time in seconds.
    """

    total_steps = 0

    def __init__(
        self,
        settings: RunSettings,
        follow: FollowSettings,
        arrivals: Arrivals | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ValueError if there is no folder or pipe."""
        self._domain, self._size = settings.stream.visits[0], settings.data.size
        self._batch_size, self._follow, self._clock = settings.stream.batch_size, follow, clock
        self._arrivals = _arrivals(settings, follow) if arrivals is None else arrivals
        self._asked = never
        self._over = False
        self._steps = self._frames = self._unreadable = 0
        self._heard, self._seen = clock(), 0
        self._news: list[str] = []

    def domain(self, visit: int) -> str:  # noqa: ARG002 - there is one
        """Returns the domain of every visit."""
        return self._domain

    def is_over(self, visits: int) -> bool:  # noqa: ARG002 - their number says nothing
        """Returns True if the source of the frames ended, or nothing came for `idle_minutes`."""
        return self._over

    def steps_before(self, visit: int) -> int:  # noqa: ARG002 - a visit has any number of them
        """Returns the number of steps so far."""
        return self._steps

    def smallest_batch(self) -> int:
        """Returns 1: the last batch has the frames that are left."""
        return 1

    def steps(self, visit: int, device: torch.device) -> Iterator[Ready]:  # noqa: ARG002 - all begin alike
        """Yields the steps of a visit, each when its frames have arrived; none if it was stopped, or ended, before."""
        deadline, taken = self._clock() + MINUTE * self._follow.checkpoint_minutes, 0
        while files := self._arrived(deadline if taken else math.inf):
            images = [image for image in map(self._read, files) if image is not None]
            if not images:
                continue
            numbers = np.arange(self._frames, self._frames + len(images))
            step = Step(self._steps, numbers)
            self._steps, self._frames, taken = self._steps + 1, self._frames + len(images), taken + len(images)
            yield step, partial(_batch, images, device)

    def stops_when(self, asked_to_stop: Asked) -> None:
        """Sets what is asked while frames are waited for."""
        self._asked = asked_to_stop

    def unreadable(self) -> Mapping[str, int]:
        """Returns the number of damaged frames that it has left out."""
        return {self._domain: self._unreadable} if self._unreadable else {}

    def news(self) -> list[str]:
        """Returns the frames that were left out since the last call, a line each."""
        news, self._news = self._news, []
        return news

    def state_dict(self) -> Mapping[str, Any]:
        """Returns the place in the stream."""
        counts = {"steps": self._steps, "frames": self._frames, "unreadable": self._unreadable}
        return {"followed": {**counts, "arrivals": dict(self._arrivals.state_dict())}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores the place in the stream. One that was over goes on if new frames have come."""
        place = state["followed"]
        self._steps, self._frames, self._unreadable = place["steps"], place["frames"], place["unreadable"]
        self._arrivals.load_state_dict(place["arrivals"])

    def _arrived(self, deadline: float) -> list[Path]:
        """Waits for the files of a batch; returns fewer at the end of the stream, and none if the visit is over."""
        while not self._asked() and self._clock() < deadline:
            self._arrivals.poll()
            waiting = len(self._arrivals.ready)
            if waiting >= self._batch_size:
                self._heard, self._seen = self._clock(), waiting - self._batch_size
                return self._arrivals.take(self._batch_size)
            if waiting != self._seen:
                self._heard, self._seen = self._clock(), waiting
            if self._arrivals.over or self._is_idle():
                self._over, self._seen = True, 0
                return self._arrivals.take(waiting)
            time.sleep(PAUSE)
        return []

    def _is_idle(self) -> bool:
        limit = self._follow.idle_minutes
        return limit is not None and self._clock() - self._heard >= MINUTE * limit

    def _read(self, path: Path) -> Bytes | None:
        try:
            return resized_image(read_image(path), self._size)
        except ValueError as problem:
            # One bad file must not end what is meant to go on for ever.
            self._unreadable += 1
            self._news.append(f"left out: {problem}")
            tell(f"warning: left out: {problem}")
            return None


def _batch(images: list[Bytes], device: torch.device) -> Batch:
    labels = np.full((len(images), *images[0].shape[:2]), IGNORE, np.uint8)
    return to_batch(Frames(np.stack(images), labels), np.arange(len(images))).to(device)


def _arrivals(settings: RunSettings, follow: FollowSettings) -> Arrivals:
    domain = settings.data.domains[settings.stream.visits[0]]
    assert isinstance(domain, FoldersDomain)
    text = domain.root or settings.data.root
    if follow.names is not None:
        return NamePipe(follow.names, Path.cwd() if text is None else expand(text))
    if text is None:
        raise ValueError("stream.follow needs a folder, but neither the domain's root nor data.root is set; set one")
    return WatchedFolder(expand(text), domain.images)
