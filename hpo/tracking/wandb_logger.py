"""Logging of trials to W&B through a separate process, so that the search never waits for W&B."""

import math
import os
import sys
from collections.abc import Sequence
from netrc import netrc
from pathlib import Path
from urllib.parse import urlparse

from hpo.config.objectives import METRICS, objective_value
from hpo.config.study_file import StudyFile
from hpo.config.tracking import Mode
from hpo.results.results import StudyResults
from hpo.study.jobs import Job, Outcome
from hpo.tracking.leaderboard import concluded
from hpo.tracking.messages import Ended, Left, Message, Opened, Visited
from hpo.tracking.pipe import ChildPipe
from hpo.tracking.points import objective_key
from segada.core.printing import tell
from segada.errors import InputError
from segada.records import RunReport

PATIENCE = 45.0
"""Seconds that the end of a session waits for the W&B process, which gives up by itself earlier."""


class WandbTracking:
    """Observer that logs every trial, baseline and confirmation run as a run in the study's group; see
    `hpo.tracking.wandb_process`.
    """

    def __init__(self, file: StudyFile, out: Path) -> None:
        """Checks that W&B will not ask for a key in the middle of the search.

        Args:
            file: study file.
            out: run folder of the study, which also keeps the W&B runs.

        Raises:
            InputError: the mode is online, and there is no key.
        """
        self._file = file
        self._out = out
        self._mode = mode_of(file.settings.tracking.mode)
        if self._mode == "online" and not has_key():
            raise InputError(
                "tracking.mode is online, but there is no key: set WANDB_API_KEY, or WANDB_MODE=offline, or "
                "--set tracking.mode=disabled"
            )
        self._told: dict[str, int] = {}
        self._process: ChildPipe | None = None

    def started(self, job: Job) -> None:
        """Opens the job's run, or resumes it; a repair only writes files of a finished trial again."""
        if job.kind != "repair":
            config = {**job.settings.model_dump(mode="json"), "settings_hash": job.settings.settings_hash()}
            self._told[job.name] = 0
            self._say(Opened(name=job.name, job_type=job.kind, folder=str(job.folder), config=config))

    def visited(self, job: Job, report: RunReport) -> None:
        """Logs a point of history per visit."""
        if job.name in self._told:
            new = report.visits[self._told[job.name] :]
            self._told[job.name] = len(report.visits)
            self._say(Visited(name=job.name, visits=new))

    def recovered(self, job: Job) -> None:
        """Does nothing: the run continues."""

    def dropped(self, job: Job) -> None:
        """Leaves the run to another driver."""
        if self._told.pop(job.name, None) is not None:
            self._say(Left(name=job.name))

    def exhausted(self, end: str) -> None:
        """Does nothing."""

    def waiting(self, drivers: Sequence[str]) -> None:
        """Does nothing: the other drivers log their own runs."""

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Closes the run with the report as its summary."""
        if self._told.pop(job.name, None) is None:
            return
        report = outcome.report
        self._say(
            Ended(
                name=job.name,
                state=outcome.state,
                reason=outcome.reason,
                report=None if report is None else report.model_copy(update={"visits": []}),
                frames_per_second=METRICS["frames_per_second"](report) if report and report.visits else None,
                objectives=self._objectives(report) if report is not None and outcome.state == "complete" else {},
            )
        )

    def concluded(self, results: StudyResults) -> None:
        """Logs the study's own run with the leaderboard; waits up to `PATIENCE` until W&B has everything."""
        best = self._out / "best"
        winner = best if (best / "weights.safetensors").exists() else None
        self._say(concluded(results, self._file.resolved(), winner))
        pipe = self._pipe()
        ended, self._process = pipe.close(PATIENCE), None
        if not ended:
            kept = f"its files are in {self._out / 'wandb'}, for wandb sync"
            tell(f"warning: wandb took more than {PATIENCE:.0f} s to end and was stopped; {kept}")
        if pipe.dropped:
            tell(f"warning: wandb was too slow: {pipe.dropped} messages were dropped")

    def _objectives(self, report: RunReport) -> dict[str, float | None]:
        metrics = [objective.metric for objective in self._file.settings.objectives]
        values = {objective_key(metric): objective_value(metric, report) for metric in metrics}
        return {key: value if math.isfinite(value) else None for key, value in values.items()}

    def _say(self, message: Message) -> None:
        self._pipe().say(message.model_dump_json())

    def _pipe(self) -> ChildPipe:
        if self._process is None:
            settings = self._file.settings.tracking.model_copy(update={"mode": self._mode})
            arguments = [str(self._out), self._file.settings.name, settings.model_dump_json()]
            self._process = ChildPipe([sys.executable, "-m", "hpo.tracking.wandb_process", *arguments])
        return self._process


def tracked(file: StudyFile, out: Path) -> list[WandbTracking]:
    """Returns the W&B observers of a study, empty if disabled; errors as in `WandbTracking`."""
    return [] if mode_of(file.settings.tracking.mode) == "disabled" else [WandbTracking(file, out)]


def mode_of(mode: Mode) -> Mode:
    """Returns the effective mode of a study in this environment.

    Raises:
        InputError: WANDB_MODE is not one of W&B's modes.
    """
    if mode == "disabled":
        return mode
    given = os.environ.get("WANDB_MODE", mode)
    # dryrun and run are old modes that W&B still accepts.
    known: dict[str, Mode] = {"dryrun": "offline", "run": "online", "shared": "online"}
    known |= {"online": "online", "offline": "offline", "disabled": "disabled"}
    if given not in known:
        raise InputError(f"WANDB_MODE={given}: must be online, offline or disabled")
    return known[given]


def has_key() -> bool:
    """Returns True if W&B finds a key, in the places that it searches."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    path = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    return path.exists() and netrc(path).authenticators(host) is not None
