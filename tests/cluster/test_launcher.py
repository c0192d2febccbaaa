"""The cluster-launcher files are what Ray's own launcher accepts, with a token and a dashboard on loopback."""

from typing import Any

import pytest
from manifests import CLUSTER, document
from ray.autoscaler._private.util import prepare_config, validate_config

FILES = sorted(path.name for path in (CLUSTER / "launcher").glob("*.yaml"))


def read(name: str) -> dict[str, Any]:
    return document(f"launcher/{name}")


def test_there_is_one_for_own_machines_and_one_for_a_cloud() -> None:
    assert {read(name)["provider"]["type"] for name in FILES} == {"local", "aws"}


@pytest.mark.parametrize("name", FILES)
def test_ray_accepts_it(name: str) -> None:
    prepared = prepare_config(read(name))
    validate_config(prepared)
    assert prepared["head_node_type"] in prepared["available_node_types"]
    with pytest.raises(Exception, match="idle_minutes"):
        validate_config({**prepared, "idle_minutes": 5})


@pytest.mark.parametrize("name", FILES)
def test_every_node_asks_for_the_token_that_travels_by_ssh(name: str) -> None:
    config = read(name)
    (place,) = config["file_mounts"]
    for commands in (config["head_start_ray_commands"], config["worker_start_ray_commands"]):
        start = commands[-1]
        assert "RAY_AUTH_MODE=token" in start
        assert f"RAY_AUTH_TOKEN_PATH={place.replace('~', '$HOME')}" in start
    assert "--dashboard-host=127.0.0.1" in config["head_start_ray_commands"][-1]


def test_a_cloud_has_kinds_of_gpu_to_choose_from() -> None:
    types = read("aws.yaml")["available_node_types"]
    kinds = {resource for node in types.values() for resource in node["resources"] if ":" in resource}
    assert kinds == {"accelerator_type:L4", "accelerator_type:A100"}
    assert types["head"]["resources"] == {"CPU": 0}
