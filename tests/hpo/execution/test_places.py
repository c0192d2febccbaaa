"""Tests of the places and addresses that a search needs before Ray starts."""

import errno
import os
import socket
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from hpo.execution import address, places, privacy
from hpo.execution.address import answering
from hpo.execution.places import check_temporary_folder, small_shared_memory
from hpo.execution.privacy import ensure_home, ensure_private_token
from segada.core.storage_errors import StorageError
from segada.errors import InputError

TOKENS = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_ADDRESS", "RAY_TMPDIR", "TMPDIR")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in TOKENS:
        # Set first, so that what a test leaves there is removed.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.parametrize("variable", ["TMPDIR", "RAY_TMPDIR"])
def test_a_temporary_folder_that_is_too_long_for_a_socket_is_refused(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(variable, f"{tmp_path}/{'a' * 100}")
    with pytest.raises(
        InputError, match=rf"{variable}=/.*: is \d+ bytes too long.*; set {variable} to another"
    ) as said:
        check_temporary_folder()
    assert "\n" not in str(said.value)


def test_the_longest_folder_that_is_accepted_leaves_room_for_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        rest = len(f"/ray/session_2026-12-01_00-47-15_933484_{os.getpid()}/sockets/plasma_store")
        folder = Path(short) / ("a" * (107 - rest - len(short) - 1))
        monkeypatch.setenv("TMPDIR", str(folder))
        check_temporary_folder()
        assert (folder / "ray").is_dir()
        monkeypatch.setenv("TMPDIR", f"{folder}a")
        with pytest.raises(InputError, match="is 1 bytes too long"):
            check_temporary_folder()


@pytest.mark.parametrize(("folder", "said"), [("/proc/none", "No such file"), ("{file}/below", "Not a directory")])
def test_a_temporary_folder_that_cannot_be_is_refused(
    folder: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "f").touch()
    monkeypatch.setenv("TMPDIR", folder.format(file=tmp_path / "f"))
    monkeypatch.setattr(places, "LONGEST", 1000)
    with pytest.raises(InputError, match=rf"TMPDIR=.*: Ray cannot keep its temporary files there \({said}"):
        check_temporary_folder()


def test_a_full_temporary_folder_passes_and_is_no_wrong_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(places, "LONGEST", 1000)
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(StorageError, match="has no space there"):
        check_temporary_folder()


def test_little_shared_memory_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(places, "SHARED_MEMORY", tmp_path / "none")
    assert "is missing or cannot be written" in str(small_shared_memory())
    monkeypatch.setattr(places, "SHARED_MEMORY", tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=64 << 20))
    assert "has only 64 MB free" in str(small_shared_memory())
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1 << 30))
    assert small_shared_memory() is None


@pytest.mark.parametrize("home", ["/proc/nowhere", "{file}"])
def test_a_home_that_cannot_be_written_leaves_the_token_private_elsewhere(
    home: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "f").touch()
    monkeypatch.setenv("HOME", home.format(file=tmp_path / "f"))
    ensure_private_token()
    token = Path(os.environ["RAY_AUTH_TOKEN_PATH"])
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert stat.S_IMODE(token.parent.stat().st_mode) == 0o700
    assert len(token.read_text()) == 64


def test_a_user_without_a_home_gets_one_for_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    former = os.environ["HOME"]
    ensure_home()
    assert os.environ["HOME"] == former
    monkeypatch.setenv("HOME", former)
    monkeypatch.setattr(privacy.Path, "home", homeless)
    ensure_home()
    assert os.environ["HOME"] != former
    assert Path(os.environ["HOME"]).is_dir()


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening


def replied(server: socket.socket, reply: bytes) -> str:
    """Starts to reply to the first client, and returns the server's address."""

    def reply_once() -> None:
        client, _ = server.accept()
        with client:
            client.recv(100)
            client.sendall(reply)

    threading.Thread(target=reply_once, daemon=True).start()
    host, port = server.getsockname()
    return f"{host}:{port}"


def test_what_speaks_as_ray_does_is_a_cluster(server: socket.socket) -> None:
    place = replied(server, bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
    assert answering(place) == place
    assert answering("local") == "local"


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.0 400 Bad request\r\n\r\n"])
def test_another_server_is_no_cluster(reply: bytes, server: socket.socket) -> None:
    with pytest.raises(InputError, match=r"no Ray cluster answers at 127.*something else than Ray"):
        answering(replied(server, reply))


def test_a_server_that_never_answers_is_not_waited_for(server: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "SECONDS", 0.1)
    host, port = server.getsockname()
    with pytest.raises(InputError, match=r"no Ray cluster answers at .* \(timed out\)"):
        answering(f"{host}:{port}")


def test_a_cluster_of_this_machine_that_is_gone_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "canonicalize_bootstrap_address", lambda _: "127.0.0.1:1")
    with pytest.raises(InputError, match=r"no Ray cluster answers at 127.0.0.1:1 \(--address auto\) \(.*refused"):
        answering("auto")

    def nothing(_: str) -> str:
        raise ConnectionError("Could not find any running Ray instance.\nPlease specify")

    monkeypatch.setattr(address, "canonicalize_bootstrap_address", nothing)
    with pytest.raises(InputError, match=r"no Ray cluster answers at auto \(Could not find any") as said:
        answering("auto")
    assert "\n" not in str(said.value)
