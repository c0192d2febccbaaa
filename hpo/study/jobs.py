"""Jobs (runs of a study), their progress, outcomes and observers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from optuna.trial import TrialState

from hpo.config.runs import AnyRun
from segada.records import Record, RunReport
from segada.settings.nested import Value

Kind = Literal["source", "baseline", "trial", "confirmation", "repair"]
"""Type of a job. A repair writes the files of a complete trial again. Only the source training is not handed out by a
coordinator.
"""


@dataclass(frozen=True)
class Job:
    """Run of the engine in a folder of its own.

    Attributes:
        name: Readable name, unique in a study: `trial 7`, `batch_norm`, `trial 7 seed 2`.
        trial: Number of the trial that it runs or repeats; None for baselines and the default configuration.
        parameters: Parameters of the trial, by path; empty for baselines.
        needs: Files that readers of the study need from it, besides its report.
        is_retry: Whether it is a trial that repeats a failed one, outside the budget.
    """

    kind: Kind
    name: str
    folder: Path
    settings: AnyRun
    trial: int | None
    parameters: dict[str, Value]
    needs: tuple[str, ...] = ()
    is_retry: bool = False

    @property
    def title(self) -> str:
        """Name with the kind in front where the name does not say it: `baseline batch_norm`."""
        return self.name if self.kind in ("trial", "repair") else f"{self.kind} {self.name}"


class RunUpdate(Record):
    """Update of a run after each visit."""

    report: RunReport | None
    """Report of the visits so far; null if the run failed in its first visit."""
    finished: bool
    failure: str | None = None
    """Reason why the run cannot continue; null if it can."""
    concerns_all: bool = False
    """True if no other run of the study could continue either: the shared frames cannot be read, or results cannot be
    written.
    """
    fails_alike: bool = False
    """True if the run failed in its first visit, and a run without the parameters of a trial fails for the same reason.
    """
    path: tuple[str, ...] = ()
    """Path of the setting that the failure is about, if it is known."""
    passes: bool = False
    """True if the cause of the failure lies outside the run and passes, such as a full disk or lack of memory: with
    `concerns_all` the same command resumes once it is gone, without it the configuration may be tried again.
    """
    denied: bool = False
    """True, with `concerns_all`, if a file may not be written, which no repetition of the command changes."""
    incident: str | None = None
    """Incident before this visit from which the run recovered."""


OUTCOMES: Mapping[TrialState, Literal["complete", "pruned", "fail"]] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "fail",
}
"""State of the outcome of a job whose trial was closed in this state from outside."""


@dataclass(frozen=True)
class Outcome:
    """Outcome of a job; an interrupted job has none yet."""

    state: Literal["complete", "pruned", "fail"]
    report: RunReport | None
    reason: str = ""


class Observer(Protocol):
    """Observer of all jobs. Calls per job are in order: started, visited any number of times, ended unless
    interrupted.
    """

    def started(self, job: Job) -> None:
        """Handles a job that was handed to a worker; a job resumed after an interruption starts again."""

    def visited(self, job: Job, report: RunReport) -> None:
        """Handles a completed visit; the report covers the visits so far."""

    def recovered(self, job: Job) -> None:
        """Handles the death of the job's worker; another worker resumes from the last visit."""

    def dropped(self, job: Job) -> None:
        """Handles the loss of the job to another driver, which considered this silent driver dead."""

    def waiting(self, drivers: Sequence[str]) -> None:
        """Handles the start of a wait for these drivers, which run everything that is left, or a change among them."""

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Handles the end of the job."""

    def exhausted(self, end: str) -> None:
        """Handles the end of a search whose configurations have all been tried, said in a clause."""
