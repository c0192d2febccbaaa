"""Reads what cluster/ holds."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent.parent
CLUSTER = ROOT / "cluster"


def documents(name: str) -> list[dict[str, object]]:
    """All YAML documents of a file below cluster/."""
    return list(yaml.safe_load_all((CLUSTER / name).read_text()))


def document(name: str) -> dict[str, object]:
    """The one YAML document of a file below cluster/."""
    found = documents(name)
    assert len(found) == 1
    return found[0]
