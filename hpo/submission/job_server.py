"""Client of Ray's job server for use outside the cluster; every failure is a one-line error."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from ray.exceptions import AuthenticationError
from ray.job_submission import JobDetails, JobSubmissionClient, JobType

from hpo.execution.privacy import default_token_path
from segada.errors import InputError
from segada.settings.schema import nearest

SECONDS = 5.0
"""Seconds within which a head node must accept a connection."""
SILENCE = 30.0
"""Seconds without a log line after which the connection to the head node is checked."""

_OVERRULING = ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS")
"""Environment variables by which Ray would replace the address given by the user."""
_TALKATIVE = (
    "ray.dashboard.modules.dashboard_sdk",
    "ray.dashboard.modules.job.sdk",
    "ray._private.runtime_env.packaging",
)
"""Ray's loggers that would print implementation details."""
_ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


@dataclass(frozen=True)
class SubmittedJob:
    """Job on a cluster.

    Attributes:
        name: Submission id.
        status: PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED.
        command: Command line.
        message: First line of Ray's message on the job.
        started: Start time in UTC; None before.
        ended: End time in UTC; None before.
        exit_code: Exit code of the command; None if it has not ended by itself.
    """

    name: str
    status: str
    command: str
    message: str
    started: datetime | None
    ended: datetime | None
    exit_code: int | None

    @property
    def is_over(self) -> bool:
        """True if the job has ended."""
        return self.status in _ENDED


class JobServer:
    """Client for the jobs of one cluster, at the HTTP address of its head node (Ray's dashboard)."""

    def __init__(self, address: str) -> None:
        """Connects to the server.

        Raises:
            InputError: nothing answers at the address, it is not a job server, or it refuses the token.
        """
        self.address = address.rstrip("/")
        self._place = _checked(self.address)
        for name in _OVERRULING:
            os.environ.pop(name, None)
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        token, self._source = _token()
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._knock()
        with self._explained():
            self._client = JobSubmissionClient(self.address, headers=headers)

    def submit(self, name: str, command: str, folder: Path, variables: Mapping[str, str]) -> None:
        """Submits a job.

        Args:
            name: submission id.
            command: command for a shell on the head node.
            folder: folder that is copied to every node; the command and its workers run in the copy.
            variables: environment variables of the command and its workers.
        """
        runtime = {"working_dir": str(folder), "env_vars": dict(variables)}
        with self._explained():
            self._client.submit_job(entrypoint=command, submission_id=name, runtime_env=runtime)

    def job(self, name: str) -> SubmittedJob:
        """Returns a job by its submission id.

        Raises:
            InputError: there is no such job.
        """
        with self._explained(name):
            return _job(self._client.get_job_info(name))

    def jobs(self) -> list[SubmittedJob]:
        """Returns all submitted jobs, latest first."""
        with self._explained():
            known = [_job(info) for info in self._client.list_jobs() if info.type == JobType.SUBMISSION]
        return sorted(known, key=lambda job: (job.started is None, job.started), reverse=True)

    def stop(self, name: str) -> bool:
        """Asks a job to stop, as Ctrl-C would. Returns True if it was running."""
        with self._explained(name):
            return bool(self._client.stop_job(name))

    def log(self, name: str) -> str:
        """Returns the output of a job so far."""
        with self._explained(name):
            return str(self._client.get_job_logs(name))

    def follow(self, name: str, write: Callable[[str], None]) -> SubmittedJob:
        """Passes the output of a job to `write`, from its beginning, until it is over.

        Raises:
            InputError: there is no such job, or the head node is lost.
        """
        self.job(name)
        with self._explained(name):
            asyncio.run(self._follow(name, write))
        return self.job(name)

    async def _follow(self, name: str, write: Callable[[str], None]) -> None:
        lines: AsyncIterator[str] = self._client.tail_job_logs(name)
        while True:
            coming = asyncio.ensure_future(anext(lines, None))
            while not (await asyncio.wait({coming}, timeout=SILENCE))[0]:
                # A node without power does not close its connections.
                await asyncio.to_thread(self._knock)
            text = coming.result()
            if text is None:
                return
            write(text)

    def _knock(self) -> None:
        try:
            socket.create_connection(self._place, timeout=SECONDS).close()
        except OSError as error:
            raise self._silent(error) from None

    @contextmanager
    def _explained(self, name: str | None = None) -> Iterator[None]:
        try:
            yield
        except AuthenticationError as error:
            raise self._refused(error) from None
        except (OSError, aiohttp.ClientError) as error:
            raise self._silent(error) from None
        except RuntimeError as error:
            raise self._explanation(error, name) from None

    def _explanation(self, error: RuntimeError, name: str | None) -> Exception:
        message = str(error)
        if "Version check returned 404" in message:
            return InputError(f"--address {self.address}: the server there is not a Ray head node")
        if "closed unexpectedly" in message or "WebSocket error" in message:
            return self._silent(error)
        if name is not None and "status code 404" in message:
            names = [job.name for job in self.jobs()]
            cure = nearest(name, names) if names else "it has none"
            return InputError(f"{name}: the Ray at {self.address} has no such job; {cure}")
        return error

    def _refused(self, error: AuthenticationError) -> InputError:
        if "Missing" in str(error):
            return InputError(
                f"the Ray at {self.address} asks for a token, and there is none here; set RAY_AUTH_TOKEN_PATH to a "
                "file with what `ray get-auth-token` prints on its head node"
            )
        return InputError(
            f"the Ray at {self.address} refuses the token of {self._source}; `ray get-auth-token` on its head node "
            "prints the right one"
        )

    def _silent(self, error: Exception) -> InputError:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        return InputError(
            f"no Ray head node answers at {self.address} ({reason}); is the cluster up, and the port of its dashboard "
            "forwarded to here?"
        )


def _checked(address: str) -> tuple[str, int]:
    cure = "must be the HTTP address of the cluster's head node, as in http://127.0.0.1:8265"
    try:
        place = urlsplit(address)
        host, port = place.hostname, place.port
    except ValueError as problem:
        raise InputError(f"--address: {cure} ({problem})") from None
    if place.scheme not in ("http", "https"):
        raise InputError(f"--address {address}: {cure}")
    if host is None or place.username is not None:
        raise InputError(f"--address: {cure}, without a name or a password")
    return host, port or {"http": 80, "https": 443}[place.scheme]


def _token() -> tuple[str | None, str]:
    """Returns the token and its source; the places are searched in Ray's own order."""
    if os.environ.get("RAY_AUTH_MODE") == "disabled":
        return None, ""
    if "RAY_AUTH_TOKEN" in os.environ:
        return os.environ["RAY_AUTH_TOKEN"].strip(), "RAY_AUTH_TOKEN"
    given = os.environ.get("RAY_AUTH_TOKEN_PATH")
    path = Path(given) if given else default_token_path()
    try:
        return path.read_text().strip(), str(path)
    except OSError as error:
        if given is None:
            return None, ""
        raise InputError(f"RAY_AUTH_TOKEN_PATH: {path} cannot be read ({error.strerror})") from None


def _job(info: JobDetails) -> SubmittedJob:
    return SubmittedJob(
        name=str(info.submission_id),
        status=str(info.status.value),
        command=str(info.entrypoint),
        message=(info.message or "").partition("\n")[0],
        started=_moment(info.start_time),
        ended=_moment(info.end_time),
        exit_code=info.driver_exit_code,
    )


def _moment(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
