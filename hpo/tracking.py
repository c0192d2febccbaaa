"""wandb: one run per trial, grouped by study. Imported only if a study asks for it."""

import os
from netrc import netrc
from pathlib import Path
from urllib.parse import urlparse

import wandb

from hpo.jobs import Job, Outcome
from hpo.study_settings import StudySettings
from segada.records import RunReport, VisitRecord
from segada.settings.files import InputError


class WandbTracking:
    """An observer that passes every trial on to wandb, online or offline as WANDB_MODE and WANDB_API_KEY say."""

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
        self._runs: dict[str, wandb.Run] = {}
        self._logged: dict[str, int] = {}

    def started(self, job: Job) -> None:
        """Opens the trial's run."""
        if job.kind != "trial":
            return
        self._logged[job.name] = 0
        self._runs[job.name] = wandb.init(
            project=self._settings.tracking.project,
            group=self._settings.name,
            name=job.name,
            job_type=job.kind,
            config={**job.parameters, "settings_hash": job.settings.settings_hash(), "seed": job.settings.seed},
            dir=self._folder,
            reinit="create_new",
            settings=wandb.Settings(silent=True, console="off"),
        )

    def visited(self, job: Job, report: RunReport) -> None:
        """One point of history per visit."""
        if job.name not in self._runs:
            return
        for record in report.visits[self._logged[job.name] :]:
            self._runs[job.name].log(_point(record), step=record.visit)
        self._logged[job.name] = len(report.visits)

    def recovered(self, job: Job) -> None:
        """Nothing to tell: the run goes on."""

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Closes the run with the report as its summary."""
        run = self._runs.pop(job.name, None)
        if run is None:
            return
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


def _point(record: VisitRecord) -> dict[str, float | int | str | None]:
    return {
        "visit": record.visit,
        "domain": record.domain,
        "visited_miou": record.miou[record.domain],
        "online_miou": record.online_miou,
        "frames_per_second": record.frames_per_second,
        **{f"miou/{name}": value for name, value in record.miou.items()},
        **{f"losses/{name}": value for name, value in record.losses.items()},
    }
