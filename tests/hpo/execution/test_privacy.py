"""Tests of a study's own Ray: it receives no keys of other services, and only its owner can read its token."""

import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from hpo.execution import cluster, privacy
from hpo.execution.cluster import Resources
from hpo.execution.privacy import WITHHELD, ensure_private_token, withheld

TOKENS = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_ADDRESS")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in TOKENS:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_ray_is_started_without_keys_and_the_main_job_keeps_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []

    def init(**_: object) -> SimpleNamespace:
        seen.append(dict(os.environ))
        assert (home / ".ray" / "auth_token").exists()
        return SimpleNamespace(dashboard_url=None)

    monkeypatch.setattr(cluster.ray, "init", init)
    for name in WITHHELD:
        monkeypatch.setenv(name, "planted")
    cluster._connected(Resources(2, 1, 0, 1), None)
    assert not set(WITHHELD) & set(seen[0])
    assert all(os.environ[name] == "planted" for name in WITHHELD)


def test_keys_come_back_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "planted")
    with pytest.raises(ConnectionError), withheld():
        raise ConnectionError
    assert os.environ["WANDB_API_KEY"] == "planted"


def test_the_token_is_private_from_its_first_moment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    link = Path.hardlink_to

    def watched(path: Path, draft: str) -> None:
        seen.append(stat.S_IMODE(os.stat(draft).st_mode))  # noqa: PTH116 - as text
        link(path, draft)

    monkeypatch.setattr(Path, "hardlink_to", watched)
    former = os.umask(0)
    try:
        ensure_private_token()
    finally:
        os.umask(former)
    token = home / ".ray" / "auth_token"
    assert seen == [0o600]
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert len(token.read_text()) == 64
    assert [path.name for path in token.parent.iterdir()] == ["auth_token"]
    first = token.read_text()
    ensure_private_token()
    assert token.read_text() == first


def test_a_token_that_ray_has_made_is_kept_and_closed_to_others(home: Path) -> None:
    token = home / ".ray" / "auth_token"
    token.parent.mkdir()
    token.write_text("old")
    token.chmod(0o644)
    ensure_private_token()
    assert (token.read_text(), stat.S_IMODE(token.stat().st_mode)) == ("old", 0o600)


def test_of_two_who_make_it_the_first_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = home / ".ray" / "auth_token"
    token.parent.mkdir()
    token.write_text("theirs")
    privacy._make(token)
    assert token.read_text() == "theirs"


@pytest.mark.parametrize(
    ("name", "value"), [("RAY_AUTH_MODE", "disabled"), ("RAY_AUTH_TOKEN", "x"), ("RAY_AUTH_TOKEN_PATH", "/x")]
)
def test_no_token_is_made_where_none_is_used(
    name: str, value: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    ensure_private_token()
    assert not (home / ".ray").exists()
