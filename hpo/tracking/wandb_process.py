"""Process that talks to W&B: `python -m hpo.tracking.wandb_process OUT STUDY SETTINGS` reads one message per line.

Only this process ever waits for W&B's server. If it goes offline, everything logged stays in files that `wandb sync`
uploads.
"""

import os
import shlex
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

import wandb
from pydantic import JsonValue, ValidationError
from wandb.sdk.lib.service.service_token import WandbServiceConnectionError
from wandb.sdk.mailbox.mailbox import MailboxClosedError
from wandb.sdk.mailbox.mailbox_handle import HandleAbandonedError, ServerResponseError

from hpo.config.tracking import Mode, TrackingSettings
from hpo.tracking.messages import ANY_MESSAGE, Concluded, Ended, Left, Message, Opened, Visited
from hpo.tracking.points import point_of
from segada.artifacts.run_files import read
from segada.cli.exit_codes import DONE, FAILED, INTERRUPTED
from segada.core.atomic_io import keep_damaged, write_bytes
from segada.records import Record, VisitRecord

INIT_SECONDS = 15.0
"""Seconds to wait for a server that does not answer when a run starts; WANDB_INIT_TIMEOUT has priority."""
FINISH_SECONDS = 10.0
"""Seconds to wait for uploads when a run ends, before they are left to `wandb sync`; WANDB_FINISH_TIMEOUT has
priority.
"""
STUDY = "study"
"""Type of the run of the study itself."""
LAST_SECONDS = 40.0
"""Maximum seconds from the last message to the end of this process."""

_ERRORS = (
    wandb.Error,
    WandbServiceConnectionError,
    MailboxClosedError,
    HandleAbandonedError,
    ServerResponseError,
    OSError,
    ValidationError,
)
"""Errors raised by wandb if its server, its service process or the network does not answer, or answers in an unknown
way, or if a key is refused.
"""


class _Known(Record):
    """State of a W&B run, kept in a file."""

    id: str
    """Id of the W&B run."""
    visits: int = 0
    """Number of visits logged so far."""


class WandbProcess:
    """Logs messages to W&B: a run per trial, baseline and confirmation run, and one of the study.

    A resumed run continues its W&B run, under any driver: the ids of the runs are kept in `<out>/wandb/known`, one
    file each.
    """

    def __init__(self, study: str, settings: TrackingSettings, out: Path, warnings: TextIO) -> None:
        """Stores the settings; nothing is sent yet.

        Args:
            study: name of the study, which is the group of the runs.
            settings: settings of the logging.
            out: run folder of the study.
            warnings: stream for warnings.
        """
        self._study = study
        self._settings = settings
        self._mode: Mode = settings.mode
        self._folder = Path(os.environ.get("WANDB_DIR", str(out)))
        self._memory = out / "wandb" / "known"
        self._runs: dict[str, wandb.Run] = {}
        self._folders: dict[str, Path] = {}
        self._warnings = warnings
        self._warned = False
        self._is_on = True
        self._ending = ThreadPoolExecutor(4)
        self._unsent: list[Path] = []

    def tell(self, message: Message) -> None:
        """Handles one message, unless wandb has failed before."""
        actions: dict[type[Message], Callable[..., None]] = {
            Opened: self._opened,
            Visited: self._visited,
            Left: self._left,
            Ended: self._ended,
            Concluded: self._concluded,
        }
        if self._is_on:
            failed = "failed, and the search continues without it"
            self._is_on = self._tried(lambda: actions[type(message)](message), failed)

    def close(self) -> None:
        """Waits for pending uploads; interrupted runs are marked as such."""
        for name in list(self._runs):
            self.tell(Left(name=name))
        self._ending.shutdown()
        kept = [shlex.quote(str(path)) for path in self._unsent]
        if any((self._folder / "wandb").glob("offline-run-*")):
            kept.append(shlex.quote(str(self._folder / "wandb")) + "/offline-run-*")
        if kept:
            print(f"wandb: to upload what was not sent: wandb sync {' '.join(kept)}", file=self._warnings, flush=True)

    def _opened(self, message: Opened) -> None:
        self._folders[message.name] = Path(message.folder)
        self._runs[message.name] = self._begin(message.name, message.job_type, message.config)

    def _visited(self, message: Visited) -> None:
        run = self._runs[message.name]
        known = self._known(message.name)
        for record in message.visits:
            if known is None or record.visit >= known.visits:
                run.log({**point_of(record), **self._images(message.name, record)}, step=record.visit)
                self._remember(message.name, _Known(id=run.id, visits=record.visit + 1))

    def _left(self, message: Left) -> None:
        self._interrupt(message.name)

    def _interrupt(self, name: str) -> None:
        run = self._runs.pop(name)
        run.mark_preempting()
        self._end(run, INTERRUPTED)

    def _images(self, name: str, record: VisitRecord) -> dict[str, list[wandb.Image]]:
        if not self._settings.images:
            return {}
        paths = sorted((self._folders[name] / "panels").glob(f"prediction_{record.visit}_*.png"))
        shown = [wandb.Image(str(path), caption=f"{record.domain}, {path.stem}") for path in paths]
        return {"predictions": shown} if shown else {}

    def _ended(self, message: Ended) -> None:
        run = self._runs.pop(message.name)
        run.summary.update({"state": message.state, "reason": message.reason})
        if message.report is not None:
            run.summary.update(message.report.model_dump(mode="json", exclude={"visits"}))
            run.summary.update({"frames_per_second": message.frames_per_second, **message.objectives})
        self._end(run, 1 if message.state == "fail" else 0)

    def _concluded(self, message: Concluded) -> None:
        run = self._begin(self._study, STUDY, message.config)
        run.log({"leaderboard": wandb.Table(columns=list(message.columns), data=message.rows)})
        run.summary.update(message.summary)
        if message.winner is not None and self._settings.artifacts:
            # Logging an artifact may block, because it asks the server first.
            self._ending.submit(self._send_winner, run, message)
        else:
            self._end(run, 0)

    def _send_winner(self, run: "wandb.Run", message: Concluded) -> None:
        artifact = wandb.Artifact(f"{self._study}-best", "model", metadata=message.summary)
        artifact.add_dir(str(message.winner))
        self._tried(lambda: run.log_artifact(artifact), "does not accept the winner's weights")
        self._finish(run, 0)

    def _begin(self, name: str, kind: str, config: Mapping[str, JsonValue]) -> "wandb.Run":
        # A study may have the name of a baseline.
        key = f"study {name}" if kind == STUDY else name
        try:
            run = self._init(name, kind, config, self._known(key))
        except _ERRORS as error:
            if self._mode != "online":
                raise
            self._warn("accepts no runs, so they are kept in files", error)
            run = self._init(name, kind, config, self._known(key))
        if self._known(key) is None:
            self._remember(key, _Known(id=run.id))
        return run

    def _init(self, name: str, kind: str, config: Mapping[str, JsonValue], known: _Known | None) -> "wandb.Run":
        return wandb.init(
            entity=self._settings.entity,
            project=self._settings.project,
            group=self._study,
            name=name,
            job_type=kind,
            tags=self._settings.tags,
            config=dict(config),
            dir=str(self._folder),
            id=known.id if known is not None else None,
            resume="allow" if known is not None else None,
            reinit="create_new",
            mode="online" if self._mode == "online" else "offline",
            settings=wandb.Settings(
                silent=True,
                console="off",
                init_timeout=float(os.environ.get("WANDB_INIT_TIMEOUT", INIT_SECONDS)),
                finish_timeout=float(os.environ.get("WANDB_FINISH_TIMEOUT", FINISH_SECONDS)),
                finish_timeout_raises=True,
                # These values would be those of this process, not of the trial's.
                x_disable_stats=True,
                x_disable_meta=True,
                x_save_requirements=False,
                disable_git=True,
                save_code=False,
            ),
        )

    def _end(self, run: "wandb.Run", code: int) -> None:
        """Finishes a run in another thread: a slow server would delay the messages of other trials."""
        self._ending.submit(self._finish, run, code)

    def _finish(self, run: "wandb.Run", code: int) -> None:
        if not self._tried(lambda: run.finish(exit_code=code), "does not accept a run in time, so it is kept in files"):
            self._unsent.append(Path(run.dir).parent)

    def _tried(self, action: Callable[[], object], what: str) -> bool:
        try:
            action()
        except _ERRORS as error:
            self._warn(what, error)
            return False
        return True

    def _warn(self, what: str, error: Exception) -> None:
        self._mode = "offline"
        if not self._warned:
            self._warned = True
            reason = " ".join(str(error).split())
            print(f"warning: wandb {what}: {type(error).__name__}: {reason}", file=self._warnings, flush=True)

    def _known(self, name: str) -> _Known | None:
        found = read(self._memory / f"{name}.json", _Known.model_validate_json, None)
        if found.damage is not None:
            kept = keep_damaged(found.damage.path)
            print(f"warning: {found.damage}; it is kept as {kept.name}, and wandb has a new run", file=self._warnings)
        return found.value

    def _remember(self, name: str, known: _Known) -> None:
        write_bytes(self._memory / f"{name}.json", known.model_dump_json().encode())


def main() -> int:
    """Reads messages until the end of the input, and ends within bounded time."""
    out, study, settings = sys.argv[1:]
    warnings = _private_stderr()
    # W&B would otherwise report its own errors to its developers.
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    process = WandbProcess(study, TrackingSettings.model_validate_json(settings), Path(out), warnings)
    try:
        for line in sys.stdin:
            process.tell(ANY_MESSAGE.validate_json(line))
    except Exception as error:  # noqa: BLE001 - outermost frame of a process without another way to report it
        print(f"warning: logging to wandb stopped: {type(error).__name__}: {error}", file=warnings, flush=True)
    last = threading.Timer(LAST_SECONDS, os._exit, [FAILED])
    last.daemon = True
    last.start()
    process.close()
    wandb.teardown()
    return DONE


def _private_stderr() -> TextIO:
    """Returns the standard error of this process; wandb and its child processes get the null device instead."""
    stderr = os.fdopen(os.dup(2), "w")
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device
        os.dup2(nowhere.fileno(), 2)
    return stderr


if __name__ == "__main__":
    sys.exit(main())
