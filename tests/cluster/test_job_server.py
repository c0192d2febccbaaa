"""The job server as it is met from outside: every wrong address or token is one line and code 2."""

import http.server
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from socket import socket

import pytest

from hpo import submit
from hpo.submission.job_server import SubmittedJob
from segada.cli.exit_codes import DONE, WRONG_INPUT

TOKEN = "planted-token-0123456789abcdef"


class Server(http.server.BaseHTTPRequestHandler):
    """Answers as Ray's head node does, with the one job a-1."""

    def do_GET(self) -> None:
        given = self.headers.get("Authorization")
        if self.path == "/nginx/api/version":
            self._say(404, "not here")
        elif given is None:
            self._say(401, "Unauthorized: Missing authentication token")
        elif given != f"Bearer {TOKEN}":
            self._say(403, "Forbidden: Invalid authentication token")
        elif self.path == "/api/version":
            self._say(200, {"version": "4", "ray_version": "2.60.0", "ray_commit": "x", "session_name": "s"})
        elif self.path == "/api/jobs/":
            self._say(200, [self.job()])
        else:
            self._say(*((200, self.job()) if self.path == "/api/jobs/a-1" else (404, "Job does not exist")))

    def do_POST(self) -> None:
        self._say(200, {"stopped": True})

    def job(self) -> dict[str, object]:
        return {
            "type": "SUBMISSION",
            "submission_id": "a-1",
            "status": "FAILED",
            "entrypoint": "python -m hpo.run",
            "message": "failed with exit code 2\nmany more lines",
            "driver_exit_code": 2,
            "start_time": 1_700_000_000_000,
            "end_time": 1_700_000_090_000,
        }

    def log_message(self, *_what: object) -> None:
        """Nothing is printed."""

    def _say(self, code: int, what: object) -> None:
        text = what if isinstance(what, str) else json.dumps(what)
        self.send_response(code)
        self.end_headers()
        self.wfile.write(text.encode())


@contextmanager
def served() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_API_SERVER_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    # Ray would let it win over the address that is given.
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:1")
    with served() as url:
        yield url


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["submit", *words])
    return submit.main()


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    return said.err


def test_a_token_that_is_missing_wrong_or_right(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "list", "--address", address) == WRONG_INPUT
    assert "asks for a token, and there is none here; set RAY_AUTH_TOKEN_PATH" in refused(capsys)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "another")
    assert run(monkeypatch, "list", "--address", address) == WRONG_INPUT
    error = refused(capsys)
    assert f"the Ray at {address} refuses the token of RAY_AUTH_TOKEN" in error
    assert "another" not in error
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    assert run(monkeypatch, "list", "--address", address) == DONE
    assert capsys.readouterr().out == "a-1: FAILED, exit code 2, since 2023-11-14 22:13 UTC, 1.5 minutes\n"
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "gone"))
    assert run(monkeypatch, "list", "--address", address) == WRONG_INPUT
    assert "gone cannot be read" in refused(capsys)


def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        for text, said in (
            (f"http://127.0.0.1:{port}", f"no Ray head node answers at http://127.0.0.1:{port}"),
            ("10.0.0.5:6379", "--address 10.0.0.5:6379: must be the HTTP address of the cluster's head node"),
            ("http://me:planted@h:8265", "without a name or a password"),
        ):
            assert run(monkeypatch, "status", "a-1", "--address", text) == WRONG_INPUT
            error = refused(capsys)
            assert said in error
            assert "planted" not in error


def test_another_server_and_another_job(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    assert run(monkeypatch, "status", "b-2", "--address", address) == WRONG_INPUT
    assert f"b-2: the Ray at {address} has no such job; choose from a-1" in refused(capsys)
    assert run(monkeypatch, "status", "a-1", "--address", f"{address}/nginx") == WRONG_INPUT
    assert "the server there is not a Ray head node" in refused(capsys)


def test_status_and_stop_say_what_a_person_needs(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    assert run(monkeypatch, "status", "a-1", "--address", address) == DONE
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == ["runs: python -m hpo.run", "Ray says: failed with exit code 2"]
    assert run(monkeypatch, "stop", "a-1", "--address", address) == DONE
    said = capsys.readouterr().out
    assert "finishes the visits that run, for at most 9 minutes" in said
    assert f"python -m hpo.submit status a-1 --address {address}" in said
    assert TOKEN not in said


@pytest.mark.parametrize(("code", "ended"), [(0, 0), (2, 2), (3, 3), (4, 4), (1, 1), (137, 1), (None, 1)])
def test_the_exit_code_of_a_job_that_was_followed_is_that_of_its_command(code: int | None, ended: int) -> None:
    class Followed:
        address = "http://head:8265"

        def follow(self, name: str, _write: object) -> SubmittedJob:
            return SubmittedJob(name, "FAILED" if code else "SUCCEEDED", "", "", None, None, code)

    assert submit._followed(Followed(), "a-1") == ended
