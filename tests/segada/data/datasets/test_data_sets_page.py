"""The page about data sets: its YAML is valid, and it lists every data set."""

import re
from pathlib import Path

import yaml

from segada.data.datasets.registry import LAYOUTS
from segada.settings.data import DataSettings

PAGE = (Path(__file__).parents[4] / "docs" / "data_sets.md").read_text()


def test_every_domain_on_the_page_is_one() -> None:
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    wholes = [DataSettings.model_validate(block["data"]) for block in blocks if "data" in block]
    parts = [block.get("data", {"domains": block}).get("domains", {}) for block in blocks[1:]]
    inline = [yaml.safe_load(line) for line in re.findall(r"`(\w+: \{dataset: [^`]*\})`", PAGE)]
    domains = {name: domain for mapping in (*inline, *parts) for name, domain in mapping.items()}

    checked = DataSettings.model_validate({"domains": domains})

    assert set(wholes[0].domains) == {"clear", "50mm", "mist"}
    assert {domain.dataset for domain in checked.domains.values()} == set(LAYOUTS)
