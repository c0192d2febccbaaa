"""The KubeRay manifests fit the operator's published schemas, and each other."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from manifests import ROOT, document, documents

from hpo.submission.entrypoint import STOP_WAIT, VISITS_WAIT

Node = dict[str, Any]
SCHEMAS = Path(os.environ.get("SEGADA_KUBERAY", ROOT.parent / "shared" / "kuberay"))
KINDS = {"raycluster.yaml": "rayclusters", "rayjob.yaml": "rayjobs"}


@cache
def schema(plural: str) -> Node:
    """The schema of v1, in which a key that Kubernetes would silently drop is an error."""
    path = SCHEMAS / f"ray.io_{plural}.yaml"
    if not path.is_file():
        pytest.skip(f"no {path}: set SEGADA_KUBERAY to a folder with KubeRay's CRDs")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    definition = yaml.load(path.read_text(), Loader=loader)  # noqa: S506 - safe, and ten times as fast
    version = next(version for version in definition["spec"]["versions"] if version["name"] == "v1")
    return closed(version["schema"]["openAPIV3Schema"])


def closed(node: Any) -> Any:
    if isinstance(node, list):
        return [closed(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    inside = {key: closed(inner) for key, inner in node.items()}
    is_open = "additionalProperties" in node or node.get("x-kubernetes-preserve-unknown-fields")
    return (
        inside if is_open or not isinstance(node.get("properties"), dict) else {**inside, "additionalProperties": False}
    )


def cluster_of(name: str) -> Node:
    spec: Node = document(f"kuberay/{name}")["spec"]  # type: ignore[assignment]
    return spec["rayClusterSpec"] if name == "rayjob.yaml" else spec


def groups(name: str) -> Iterator[Node]:
    spec = cluster_of(name)
    yield spec["headGroupSpec"]
    yield from spec["workerGroupSpecs"]


@pytest.mark.parametrize(("name", "plural"), KINDS.items())
def test_a_manifest_fits_the_schema_of_its_kind(name: str, plural: str) -> None:
    misfits = jsonschema.Draft202012Validator(schema(plural)).iter_errors(document(f"kuberay/{name}"))
    assert [misfit.message for misfit in misfits] == []


def test_a_key_that_the_operator_does_not_know_is_found() -> None:
    wrong = document("kuberay/raycluster.yaml")
    wrong["spec"]["autoscalerOptions"]["idleTimeout"] = 300  # type: ignore[index]
    with pytest.raises(jsonschema.ValidationError, match="idleTimeout"):
        jsonschema.validate(wrong, schema("rayclusters"))
    wrong = document("kuberay/raycluster.yaml")
    wrong["spec"]["workerGroupSpecs"][0]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] = "four"  # type: ignore[index]
    with pytest.raises(jsonschema.ValidationError, match="four"):
        jsonschema.validate(wrong, schema("rayclusters"))


@pytest.mark.parametrize("name", KINDS)
def test_a_token_is_asked_for_and_the_autoscaler_is_on(name: str) -> None:
    spec = cluster_of(name)
    assert spec["authOptions"] == {"mode": "token", "secretName": "segada-token"}
    assert spec["enableInTreeAutoscaling"] is True
    assert {group.get("groupName") for group in groups(name)} == {None, "cpu", "gpu"}
    assert all(group["minReplicas"] == 0 < group["maxReplicas"] for group in spec["workerGroupSpecs"])


@pytest.mark.parametrize("name", KINDS)
def test_every_pod_sees_the_volumes_and_runs_as_a_user(name: str) -> None:
    claims = {claim["metadata"]["name"]: claim["spec"] for claim in documents("kuberay/storage.yaml")}  # type: ignore[index]
    assert all(claim["accessModes"] == ["ReadWriteMany"] for claim in claims.values())  # type: ignore[index]
    for group in groups(name):
        pod = group["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        volumes = {volume["name"]: volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"]}
        assert set(volumes.values()) == set(claims)
        (container,) = pod["containers"]
        places = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert places == {"runs": "/shared/runs", "data": "/data"}
        assert set(places) == set(volumes)
        variables = {variable["name"]: variable for variable in container["env"]}
        assert variables["SEGADA_RUNS"]["value"] == places["runs"]
        # Keys are in secrets, never in the manifest.
        assert "value" not in variables["WANDB_API_KEY"]


@pytest.mark.parametrize("name", KINDS)
def test_only_gpu_workers_have_gpus_and_say_of_which_kind(name: str) -> None:
    for group in groups(name):
        limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
        is_gpu = group.get("groupName") == "gpu"
        assert ("nvidia.com/gpu" in limits) == is_gpu
        assert ("accelerator_type:A100" in group["rayStartParams"].get("resources", "")) == is_gpu
    assert cluster_of(name)["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


def test_a_job_that_is_stopped_may_finish_its_visits() -> None:
    spec: Node = document("kuberay/rayjob.yaml")["spec"]  # type: ignore[assignment]
    variables = yaml.safe_load(spec["runtimeEnvYAML"])["env_vars"]
    assert variables == {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_WAIT), "SEGADA_STOP_WAIT": str(VISITS_WAIT)}
