"""The steps of a run's stream and their batches: planned from the start, or of frames that appear while it runs."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Protocol, TypeAlias

import torch

from segada.cli.signals import Asked
from segada.data.batch import Batch
from segada.data.frame_schedule import FrameSchedule, Step
from segada.engine.run_data import RunData
from segada.settings import RunSettings

Ready: TypeAlias = tuple[Step, Callable[[], Batch]]
"""A step, and the function that returns its batch on the device; called once, before the next step is asked for."""


class RunStream(Protocol):
    """The visits of a run, in order."""

    total_steps: int
    """Number of steps of the whole stream; 0 if it has no end."""

    def domain(self, visit: int) -> str:
        """Returns the domain of a visit."""

    def is_over(self, visits: int) -> bool:
        """Returns True if no visit follows after so many."""

    def steps_before(self, visit: int) -> int:
        """Returns the number of steps of all visits before this one, which is the next."""

    def smallest_batch(self) -> int:
        """Returns the number of frames of the smallest batch."""

    def steps(self, visit: int, device: torch.device) -> Iterator[Ready]:
        """Yields the steps of a visit; none if it was stopped, or ended, before a frame came."""

    def stops_when(self, asked_to_stop: Asked) -> None:
        """Sets what is asked while frames are waited for."""

    def unreadable(self) -> Mapping[str, int]:
        """Returns the number of damaged frames that it has left out, by domain."""

    def news(self) -> list[str]:
        """Returns what happened since the last call, a line each."""

    def state_dict(self) -> Mapping[str, Any]:
        """Returns what is needed to continue, as entries of a checkpoint."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores the entries that `state_dict` returned from a checkpoint."""


class PlannedStream:
    """The stream whose frames are known from the start, which needs no state.

    Args:
        settings: Settings of the run.
        run_data: Frames of the run.
    """

    def __init__(self, settings: RunSettings, run_data: RunData) -> None:
        self._visits = settings.stream.all_visits()
        self._schedule = FrameSchedule(settings.stream, run_data.lengths)
        self._run_data = run_data
        self.total_steps = self._schedule.total_steps()

    def domain(self, visit: int) -> str:
        """Returns the domain of a visit."""
        return self._visits[visit]

    def is_over(self, visits: int) -> bool:
        """Returns True if no visit follows after so many."""
        return visits == len(self._visits)

    def steps_before(self, visit: int) -> int:
        """Returns the number of steps of all visits before this one."""
        return self._schedule.steps_before(visit)

    def smallest_batch(self) -> int:
        """Returns the number of frames of the smallest batch."""
        return self._schedule.smallest_batch()

    def steps(self, visit: int, device: torch.device) -> Iterator[Ready]:
        """Yields the steps of a visit."""
        steps = list(self._schedule.steps(visit))
        batches = self._run_data.batches(self._visits[visit], self._schedule, steps, device)
        for step in steps:
            yield step, partial(next, batches)

    def stops_when(self, asked_to_stop: Asked) -> None:
        """Does nothing: a visit is never waited for."""

    def unreadable(self) -> Mapping[str, int]:
        """Returns nothing: frames were decoded before the run."""
        return {}

    def news(self) -> list[str]:
        """Returns nothing."""
        return []

    def state_dict(self) -> Mapping[str, Any]:
        """Returns nothing: the number of visits says it all."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Does nothing."""
