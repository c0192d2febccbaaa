"""Tests of a study in PostgreSQL, shared by drivers on several machines and shown by optuna-dashboard."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from drivers_bench import PATIENCE, RUNS, STUDY, Bench, finish, wait_for

from hpo.config.storage_url import VARIABLE
from hpo.config.study_file import load_study
from hpo.report import rebuild
from hpo.study.study import read_study
from segada.errors import InputError

pytestmark = pytest.mark.postgres

PASSWORD = "correct-horse"
BINARIES = [Path(shutil.which("initdb") or "none").resolve().parent, *Path("/usr/lib/postgresql").glob("*/bin")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(frozen=True)
class Server:
    """A server on loopback that asks for a password."""

    url: str
    """Without the password."""
    control: tuple[str, ...]
    """Starts and stops it, with further words."""
    options: tuple[str, ...]

    def start(self) -> None:
        run(*self.control, *self.options, "start")

    def stop(self) -> None:
        """As if its machine were gone: nobody is told, and no connection is ended well."""
        run(*self.control, "-m", "immediate", "stop")


def run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    binaries = next((folder for folder in BINARIES if (folder / "pg_ctl").exists()), None)
    if binaries is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    if find_spec("psycopg") is None:
        pytest.skip("no driver of PostgreSQL here: pip install 'segada[postgres]'")
    # Not in the folder of the test, which the server's user, who must not be root, may not enter.
    folder, port = Path(tempfile.mkdtemp(prefix="postgres-")), free_port()
    (folder / "password").write_text(PASSWORD)
    as_owner = []
    if os.geteuid() == 0:
        as_owner = ["runuser", "-u", "postgres", "--"]
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres", "postgres")

    run(
        *as_owner,
        *(str(binaries / "initdb"), "-D", f"{folder}/data", "-U", "lab", "--auth=scram-sha-256"),
        *(f"--pwfile={folder}/password", "--no-sync", "--no-instructions"),
    )
    options = f"-c listen_addresses=127.0.0.1 -p {port} -c unix_socket_directories={folder} -c fsync=off"
    control = (*as_owner, str(binaries / "pg_ctl"), "-D", f"{folder}/data", "-w", "-t", "120")
    url = f"postgresql://lab@127.0.0.1:{port}/postgres"
    started = Server(url, control, ("-l", f"{folder}/log", "-o", options))
    started.start()
    try:
        yield started
    finally:
        started.stop()
        shutil.rmtree(folder)


@pytest.fixture
def server(postgres: Server) -> str:
    """The URL of the server, without its password."""
    return postgres.url


@pytest.fixture(scope="module")
def shared(postgres, tmp_path_factory) -> Iterator[Bench]:
    """A study that two drivers of four workers each have made, with the server's URL in HPO_STORAGE."""
    folder = tmp_path_factory.mktemp("postgres")
    (folder / "shared.yaml").write_text(STUDY.replace("trials: 12", "trials: 40"))
    environment = {VARIABLE: with_password(postgres.url)}
    with Bench(folder / "shared.yaml", folder / "out", folder / "gate", environment) as bench:
        both = [bench.start(waits=True, slots=4) for _ in range(2)]
        wait_for(lambda: len(bench.busy()) == 2, *both)
        bench.gate.touch()
        printed = finish(*both)
        assert all(PASSWORD not in text for text in printed)
        yield bench


def with_password(url: str) -> str:
    return url.replace("lab@", f"lab:{PASSWORD}@")


def test_two_drivers_with_eight_workers_make_every_trial_once(shared):
    made = shared.visits()
    assert len(made) == RUNS + 28
    assert {(len(processes), len(set(processes))) for processes in made.values()} == {(3, 1)}
    assert len(shared.busy()) == 2
    assert [row["number"] for row in shared.rows()] == [str(number) for number in range(40)]
    assert {row["state"] for row in shared.rows()} == {"complete"}
    assert not (shared.out / "study.journal").exists()


def test_study_yaml_names_the_database_and_nothing_its_password(shared, server):
    assert load_study(str(shared.out / "study.yaml")).settings.storage == server
    files = [path for path in shared.out.rglob("*") if path.is_file()]
    assert files
    assert all(PASSWORD.encode() not in path.read_bytes() for path in files)


def test_the_study_is_read_with_the_password_and_refused_in_one_line_without(shared, server, monkeypatch):
    file = load_study(str(shared.out / "study.yaml"))
    monkeypatch.setenv(VARIABLE, with_password(server))
    assert len(read_study(file, shared.out).finished()) == 40
    before = shared.rows()
    rebuild(shared.out)
    assert shared.rows() == before

    monkeypatch.setenv(VARIABLE, with_password(server).replace(PASSWORD, "battery-staple"))
    with pytest.raises(InputError, match="cannot be used as a study's storage") as refusal:
        read_study(file, shared.out)
    assert "\n" not in str(refusal.value)
    assert "battery-staple" not in str(refusal.value)


def test_optuna_dashboard_shows_the_study(shared, server):
    if find_spec("optuna_dashboard") is None:
        pytest.skip("no optuna-dashboard here: pip install 'segada[test]'")
    port = free_port()
    url = with_password(server).replace("postgresql:", "postgresql+psycopg:")
    code = "from optuna_dashboard._cli import main; main()"
    dashboard = subprocess.Popen(
        [sys.executable, "-c", code, url, "--host", "127.0.0.1", "--port", str(port)], stderr=subprocess.PIPE, text=True
    )
    try:
        wait_for(lambda: answers(port), dashboard)
        assert page(port, "/dashboard/")[0] == 200
        (study,) = json.loads(page(port, "/api/studies")[1])["study_summaries"]
        assert study["study_name"] == "shared"
        shown = json.loads(page(port, f"/api/studies/{study['study_id']}?after=0")[1])
        assert len(shown["trials"]) == 40
    finally:
        dashboard.terminate()
        dashboard.communicate(timeout=PATIENCE)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def page(port: int, path: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE) as answer:
        return answer.status, answer.read()


def test_a_database_that_goes_away_costs_nothing_but_the_command_to_go_on(postgres, tmp_path):
    (tmp_path / "away.yaml").write_text(STUDY.replace("name: shared", "name: away"))
    environment = {VARIABLE: with_password(postgres.url)}
    with Bench(tmp_path / "away.yaml", tmp_path / "out", tmp_path / "gate", environment) as bench:
        bench.gate.touch()
        driver = bench.start(pace=0.05)
        wait_for(lambda: len(bench.visits()) > 4, driver)
        postgres.stop()
        try:
            _, said = driver.communicate(timeout=PATIENCE)
        finally:
            postgres.start()
        assert driver.returncode == 3, said
        assert PASSWORD not in said
        assert said.startswith(f"error: {postgres.url} is gone (")
        assert "; what is finished is kept. To go on: python -m hpo.run " in said
        assert said.count("\n") == 1
        before = bench.visits()

        finish(bench.start())
        after = bench.visits()
        assert len(after) == RUNS
        assert {name: made[: len(before[name])] for name, made in after.items() if name in before} == before
        assert {row["state"] for row in bench.rows()} == {"complete"}
