"""Tests of connecting to Ray: requests that do not fit are refused, and the dashboard's address is printed."""

import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from hpo.config.schema import ResourceSettings
from hpo.execution import cluster
from hpo.execution.cluster import Resources
from segada.errors import InputError

NODES = [
    {"Alive": True, "Resources": {"CPU": 4.0, "memory": 1e9}},
    {"Alive": True, "Resources": {"CPU": 2.0, "GPU": 1.0, "accelerator_type:T4": 1.0}},
    {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}},
]


def needs(cpus: float, gpus: float = 0.0, workers: int | None = None) -> Resources:
    return Resources(workers, cpus, gpus, threads=1)


@pytest.fixture(autouse=True)
def nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ray.nodes", lambda: NODES)


@pytest.mark.parametrize(("resources", "fitting"), [(needs(1), 6), (needs(2), 3), (needs(3), 1), (needs(1, 0.5), 2)])
def test_trials_fit_on_one_node_each(resources: Resources, fitting: int) -> None:
    assert cluster.fitting(resources) == fitting


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        (needs(5), "resources.cpus_per_trial is 5, but no node of this Ray has more than 4 CPU"),
        (needs(1, 2), "resources.gpus_per_trial is 2, but no node of this Ray has more than 1 GPU"),
        (needs(3, 1), "resources.cpus_per_trial is 3 and resources.gpus_per_trial is 1, but no node"),
    ],
)
def test_what_fits_nowhere_is_refused(resources: Resources, said: str) -> None:
    with pytest.raises(InputError) as refusal:
        cluster.fitting(resources)
    assert str(refusal.value).startswith(said)


def test_a_kind_of_gpu_takes_the_nodes_that_have_it_and_nothing_of_them() -> None:
    on = replace(needs(1, 0.5), accelerator="T4")
    assert cluster.fitting(on) == 2
    assert on.kind == {"accelerator_type:T4": 0.001}
    assert needs(1, 0.5).kind == {}
    with pytest.raises(InputError, match=r"resources.accelerator is A100, but no node .* has one; there are T4"):
        cluster.fitting(replace(on, accelerator="A100"))
    with pytest.raises(InputError, match=r"resources.cpus_per_trial is 4, but no node of this Ray has more than 2 CPU"):
        cluster.fitting(replace(on, cpus=4))


def test_a_kind_of_gpu_without_a_gpu_is_refused() -> None:
    with pytest.raises(ValueError, match=r"resources.accelerator is A100, but resources.gpus_per_trial is 0"):
        ResourceSettings(accelerator="A100")
    assert ResourceSettings(accelerator="A100", gpus_per_trial=0.25).accelerator == "A100"


def test_ray_counts_the_processors_unless_a_number_of_workers_is_asked_for() -> None:
    assert cluster._local_cpus(needs(1)) is None
    assert cluster._local_cpus(needs(1.5, workers=3)) == 5


def test_a_cluster_that_grows_is_asked_for_as_many_as_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    context = SimpleNamespace(dashboard_url=None)
    monkeypatch.setattr(cluster, "_connected", lambda _resources, _address: context)
    monkeypatch.setattr("ray.shutdown", lambda: None)
    monkeypatch.setattr(cluster, "answering", lambda address: address)
    lifeline = SimpleNamespace(watch=lambda _: None, close=lambda: None, lost=lambda: None, found=None)
    monkeypatch.setattr(cluster, "Lifeline", lambda **_: lifeline)
    monkeypatch.setattr("ray.nodes", lambda: [{"Alive": True, "Resources": {"memory": 1e9}}])
    with cluster.cluster(needs(1, 0.5, workers=8), "auto") as found:
        assert found.workers == 8
    for resources, address in ((needs(1), "auto"), (needs(1, workers=8), None)):
        with pytest.raises(InputError, match="is 1, but no node"), cluster.cluster(resources, address):
            pass


def test_sigterm_stays_with_the_main_job(monkeypatch: pytest.MonkeyPatch) -> None:
    def mine(_number: int, _frame: object) -> None: ...

    def init(**_options: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    monkeypatch.setattr("ray.init", init)
    former = signal.signal(signal.SIGTERM, mine)
    try:
        cluster._connected(needs(1), None)
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, former)


def test_the_token_is_where_ray_looks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tmp_path / "my token"
    token.touch()
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
    assert cluster._token_command() == f"cat '{token}'"
    monkeypatch.setenv("RAY_AUTH_TOKEN", "secret")
    assert cluster._token_command() == 'echo "$RAY_AUTH_TOKEN"'
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    assert cluster._token_command() is None


def test_a_ray_that_does_not_start_can_be_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def timed_out(**_: object) -> None:
        raise Exception("The current node timed out during startup. This could happen because")

    monkeypatch.setattr("ray.init", timed_out)
    monkeypatch.setattr("ray.shutdown", lambda: None)
    monkeypatch.setattr(cluster, "ensure_private_token", lambda: None)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    lost: list[str] = []
    with pytest.raises(KeyboardInterrupt, match="Ray did not start"), cluster.cluster(needs(1), None, lost.append):
        pass
    assert lost == ["Ray did not start: its node manager (raylet) ended, or did not answer within 30 s"]
