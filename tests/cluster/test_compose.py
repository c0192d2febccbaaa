"""The Compose file: images pinned, ports this machine's alone, secrets from outside, every name defined."""

import json
import re
import subprocess
from typing import Any

import pytest
from manifests import CLUSTER, ROOT, document

from hpo.monitoring.prometheus import EXPORTED, PREFIX

COMPOSE: dict[str, Any] = document("compose/compose.yaml")
SERVICES: dict[str, Any] = COMPOSE["services"]
FOLDER = CLUSTER / "compose"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana" / "dashboards" / "study.json").read_text())


def test_there_is_what_a_lab_needs() -> None:
    assert set(SERVICES) == {"head", "worker", "postgres", "optuna-dashboard", "prometheus", "grafana"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_a_pinned_image_and_no_port_for_others(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?", service["image"]), service["image"]
    for port in service.get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port), port


def test_volumes_and_mounted_files_exist_and_all_volumes_are_used() -> None:
    used = set()
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":/")[0]
            if source.startswith("./"):
                assert (FOLDER / source).exists(), source
            elif not source.startswith("${"):
                used.add(source)
        assert set(service.get("depends_on", ())) <= set(SERVICES)
    assert used == set(COMPOSE["volumes"])


def test_the_image_is_built_from_what_is_sent_to_the_builder() -> None:
    build = SERVICES["head"]["build"]
    assert (FOLDER / build["context"]).resolve() == ROOT
    text = (ROOT / build["dockerfile"]).read_text()
    copied = {name for line in re.findall(r"^COPY (.*) \S+$", text, flags=re.MULTILINE) for name in line.split()}
    sent = set(re.findall(r"^!(.*)$", (CLUSTER / "Dockerfile.dockerignore").read_text(), flags=re.MULTILINE))
    assert copied == sent
    assert all((ROOT / name).exists() for name in copied)
    assert {"libgl1", "libglib2.0-0"} <= set(text.split())
    users = re.findall(r"^USER (\w+)$", text, flags=re.MULTILINE)
    assert users == ["segada"]


def test_secrets_come_from_a_file_that_git_ignores() -> None:
    text = (FOLDER / "compose.yaml").read_text()
    needed = set(re.findall(r"\$\{(\w+):\?", text))
    assert needed == {"RAY_AUTH_TOKEN", "POSTGRES_PASSWORD", "GRAFANA_PASSWORD"}
    example = dict(re.findall(r"^(\w+)=(.*)$", (FOLDER / ".env.example").read_text(), flags=re.MULTILINE))
    assert needed <= set(example)
    assert {example[name] for name in needed} == {""}
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("TOKEN|PASSWORD", name):
                assert re.fullmatch(r"\$\{\w+:\?.+\}", value), name
    ignored = subprocess.run(["git", "check-ignore", "-q", "cluster/compose/.env"], cwd=ROOT, check=False).returncode
    assert ignored in (0, 128)


def test_the_study_is_kept_in_postgres_without_its_password_in_the_url() -> None:
    assert SERVICES["head"]["environment"]["HPO_STORAGE"] == "postgresql://segada@postgres:5432/segada"
    assert SERVICES["head"]["environment"] == SERVICES["worker"]["environment"]
    assert SERVICES["optuna-dashboard"]["command"].endswith("postgresql+psycopg://segada@postgres:5432/segada")


def test_prometheus_asks_where_ray_answers_and_grafana_asks_prometheus() -> None:
    (job,) = document("compose/prometheus.yaml")["scrape_configs"]  # type: ignore[misc]
    (target,) = job["dns_sd_configs"]
    assert set(target["names"]) == {"head", "worker"}
    for name in target["names"]:
        assert f"--metrics-export-port={target['port']}" in SERVICES[name]["command"]
    (source,) = document("compose/grafana/provisioning/datasources/prometheus.yaml")["datasources"]  # type: ignore[misc]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = document("compose/grafana/provisioning/dashboards/segada.yaml")["providers"]  # type: ignore[misc]
    mounts = [volume.split(":") for volume in SERVICES["grafana"]["volumes"]]
    assert ["./grafana/dashboards", provider["options"]["path"], "ro"] in mounts
    used = {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]}
    assert used == {source["uid"]}


def _queries() -> list[str]:
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return panels + [variable["query"]["query"] for variable in DASHBOARD["templating"]["list"]]


def test_the_dashboard_draws_what_a_study_exports_by_its_labels() -> None:
    drawn = set()
    for query in _queries():
        for name, labels in re.findall(rf"{PREFIX}(segada_\w+)(?:\{{([^}}]*)\}})?", query):
            drawn.add(name)
            assert set(re.findall(r"(\w+)=", labels)) <= set(EXPORTED[name].labels), query
    assert drawn == set(EXPORTED)


def test_the_dashboard_names_only_labels_that_its_query_keeps() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            grouped = re.search(r"\bby \((\w+)\)", target["expr"])
            exported = re.search(rf"{PREFIX}(segada_\w+)", target["expr"])
            if exported is not None:
                assert named <= ({grouped[1]} if grouped else set(EXPORTED[exported[1]].labels)), panel["title"]
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids)) == 8
