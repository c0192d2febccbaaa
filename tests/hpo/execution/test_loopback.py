"""Tests of the network interfaces of a running study: only this machine can connect."""

import json
import os
import subprocess
import sys

import pytest

from hpo.execution.loopback import CLUSTERS, keep_on_loopback

LISTENING = """
import json
from hpo.execution.loopback import keep_on_loopback
keep_on_loopback(None)
import psutil
from hpo.execution.cluster import Resources, cluster
with cluster(Resources(1, 1, 0, threads=1), None):
    import ray
    ray.get(ray.remote(lambda: None).remote())
    found = [
        (process.name(), one.laddr.ip)
        for process in (psutil.Process(), *psutil.Process().children(recursive=True))
        for one in process.net_connections()
        if one.status == psutil.CONN_LISTEN
    ]
print(json.dumps(found))
"""


def test_nothing_that_a_study_starts_listens_beyond_loopback() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in (CLUSTERS, "RAY_ADDRESS")}
    done = subprocess.run(
        [sys.executable, "-c", LISTENING], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    # The scheduler, the store of its state and the dashboard, at least.
    assert len(found) > 3
    assert [one for one in found if one[1].removeprefix("::ffff:") != "127.0.0.1"] == []


@pytest.mark.parametrize(
    ("address", "variable", "kept"),
    [(None, None, "0"), ("10.0.0.5:6379", None, None), (None, "10.0.0.5:6379", None)],
)
def test_who_joins_a_cluster_can_be_reached_by_it(
    address: str | None, variable: str | None, kept: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Set first, so that it is put back as it was.
    monkeypatch.setenv(CLUSTERS, "1")
    monkeypatch.delenv(CLUSTERS)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if variable is not None:
        monkeypatch.setenv("RAY_ADDRESS", variable)
    keep_on_loopback(address)
    assert os.environ.get(CLUSTERS) == kept
