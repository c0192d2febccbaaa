"""One run that the main job has to do, how far it is, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from segada.records import Record, RunReport
from segada.settings import RunSettings
from segada.settings.nested import Value

Kind = Literal["source", "baseline", "trial", "confirmation", "repair"]
"""A repair makes the files of a complete trial again; of them, only the source training is not run by an agenda."""


@dataclass(frozen=True)
class Job:
    """A run of the engine in a folder of its own.

    Attributes:
        name: Unique in a study and readable: `trial 7`, `batch_norm`, `trial 7 seed 2`.
        trial: Number of the trial that it is or repeats; None for baselines and the default configuration.
        parameters: Of the trial, by path; empty for baselines.
        needs: Files, beside its report, that whoever reads the study needs of it.
    """

    kind: Kind
    name: str
    folder: Path
    settings: RunSettings
    trial: int | None
    parameters: dict[str, Value]
    needs: tuple[str, ...] = ()


class RunUpdate(Record):
    """What a run says after each visit."""

    report: RunReport | None
    """Over the visits so far; null if it failed in its first."""
    finished: bool
    failure: str | None = None
    """Why it cannot go on, if it cannot."""
    concerns_all: bool = False
    """Whether no other run of the study could go on either: the frames that they share cannot be had, or what they find
    cannot be written."""
    passes: bool = False
    """With `concerns_all`: whether the same command goes on once the cause is gone, as of a disk that is full."""
    incident: str | None = None
    """What happened on the way to this visit, though the run goes on."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job; a job that was interrupted has none yet."""

    state: Literal["complete", "pruned", "fail"]
    report: RunReport | None
    reason: str = ""


class Observer(Protocol):
    """Is told of every job, in order: started, visited any number of times, ended unless it is interrupted."""

    def started(self, job: Job) -> None:
        """The job has been handed to a worker; a job that goes on after an interruption starts again."""

    def visited(self, job: Job, report: RunReport) -> None:
        """Another visit is done; the report covers the visits so far."""

    def recovered(self, job: Job) -> None:
        """The job's worker died; another one goes on from the last visit."""

    def dropped(self, job: Job) -> None:
        """Another driver goes on with the job: it took this one, which was silent for too long, for dead."""

    def waiting(self, drivers: Sequence[str]) -> None:
        """Everything that is left is being done by these drivers; called when that begins, or they change."""

    def ended(self, job: Job, outcome: Outcome) -> None:
        """The job is over."""
