"""wandb: one run per trial, grouped by study. Imported only if a study asks for it."""

import os
import sys
from collections.abc import Callable, Sequence
from netrc import netrc
from pathlib import Path
from urllib.parse import urlparse

import wandb
from pydantic import TypeAdapter
from wandb.sdk.lib.service.service_token import WandbServiceConnectionError
from wandb.sdk.mailbox.mailbox import MailboxClosedError
from wandb.sdk.mailbox.mailbox_handle import HandleAbandonedError, ServerResponseError

from hpo.jobs import Job, Outcome
from hpo.study_settings import StudySettings
from segada.atomic import write_bytes
from segada.records import Record, RunReport, VisitRecord
from segada.settings.files import InputError

_ERRORS = (
    wandb.Error,
    WandbServiceConnectionError,
    MailboxClosedError,
    HandleAbandonedError,
    ServerResponseError,
    OSError,
)
"""What wandb raises when its server, its service process or the network does not answer, or a key is refused."""


class _Known(Record):
    """What wandb has of a trial."""

    id: str
    """Of its run."""
    visits: int
    """Logged so far."""


_ALL_KNOWN = TypeAdapter(dict[str, _Known])


class WandbTracking:
    """An observer that passes every trial on to wandb, online or offline as WANDB_MODE and WANDB_API_KEY say.

    A trial that goes on after an interruption goes on in its run: the runs' ids stand in `<out>/wandb/runs.json`. What
    is open when the main job stops, wandb itself finishes at the end of the process.
    """

    def __init__(self, settings: StudySettings, out: Path) -> None:
        """Checks that wandb will not ask for a key in the middle of the search.

        Raises:
            InputError: it would go online, and there is no key.
        """
        if os.environ.get("WANDB_MODE", "online") == "online" and not _has_key():
            raise InputError(
                "tracking.wandb is true, but there is no key: set WANDB_API_KEY, or WANDB_MODE=offline, or "
                "--set tracking.wandb=false"
            )
        self._settings = settings
        self._folder = os.environ.get("WANDB_DIR", str(out))
        self._path = out / "wandb" / "runs.json"
        self._known = _ALL_KNOWN.validate_json(self._path.read_bytes()) if self._path.exists() else {}
        self._runs: dict[str, wandb.Run] = {}
        self._is_on = True

    def started(self, job: Job) -> None:
        """Opens the trial's run, or goes on with it."""
        if job.kind == "trial":
            self._tell(lambda: self._open(job))

    def visited(self, job: Job, report: RunReport) -> None:
        """One point of history per visit."""
        if job.name in self._runs:
            self._tell(lambda: self._log(job.name, report))

    def recovered(self, job: Job) -> None:
        """Nothing to tell: the run goes on."""

    def dropped(self, job: Job) -> None:
        """Says nothing more of a run that another driver goes on with."""
        self._runs.pop(job.name, None)

    def waiting(self, drivers: Sequence[str]) -> None:
        """Nothing to tell: it concerns no trial."""

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Closes the run with the report as its summary."""
        run = self._runs.pop(job.name, None)
        if run is not None:
            self._tell(lambda: _close(run, outcome))

    def _tell(self, action: Callable[[], None]) -> None:
        """Does it, unless wandb has failed before: a search never ends because of who watches it."""
        if not self._is_on:
            return
        try:
            action()
        except _ERRORS as error:
            self._is_on = False
            said = " ".join(str(error).split()) or type(error).__name__
            print(f"warning: wandb failed, and the search goes on without it: {said}", file=sys.stderr)

    def _open(self, job: Job) -> None:
        known = self._known.get(job.name)
        run = wandb.init(
            project=self._settings.tracking.project,
            group=self._settings.name,
            name=job.name,
            job_type=job.kind,
            config={**job.parameters, "settings_hash": job.settings.settings_hash(), "seed": job.settings.seed},
            dir=self._folder,
            id=known.id if known is not None else None,
            resume="allow" if known is not None else None,
            reinit="create_new",
            settings=wandb.Settings(silent=True, console="off"),
        )
        self._runs[job.name] = run
        self._remember(job.name, _Known(id=run.id, visits=known.visits if known is not None else 0))

    def _log(self, name: str, report: RunReport) -> None:
        known = self._known[name]
        for record in report.visits[known.visits :]:
            self._runs[name].log(point_of(record), step=record.visit)
        self._remember(name, known.model_copy(update={"visits": max(known.visits, len(report.visits))}))

    def _remember(self, name: str, known: _Known) -> None:
        self._known[name] = known
        write_bytes(self._path, _ALL_KNOWN.dump_json(self._known, indent=1))


def _close(run: wandb.Run, outcome: Outcome) -> None:
    run.summary.update({"state": outcome.state, "reason": outcome.reason})
    if outcome.report is not None:
        run.summary.update(outcome.report.model_dump(mode="json", exclude={"visits"}))
    run.finish(exit_code=1 if outcome.state == "fail" else 0)


def _has_key() -> bool:
    """Whether wandb would find a key, in the places where it looks."""
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    path = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    return path.exists() and netrc(path).authenticators(host) is not None


def point_of(record: VisitRecord) -> dict[str, float | int | str | None]:
    """A visit as one point of a run's history."""
    return {
        "visit": record.visit,
        "domain": record.domain,
        "visited_miou": record.visited_miou,
        "online_miou": record.online_miou,
        "frames_per_second": record.frames_per_second,
        **{f"miou/{name}": value for name, value in record.miou.items()},
        **{f"label_free/{name}": value for name, value in record.label_free.items()},
        **{f"losses/{name}": value for name, value in record.losses.items()},
    }
