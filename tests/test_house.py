"""The house keeps what its pages promise: what an import loads, and that what is shipped works."""

import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from hpo.config.document import shipped_studies
from hpo.config.study_file import load_study

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("segada", ["torch", "numpy"]),
        ("segada.settings", ["torch", "numpy"]),
        ("hpo", ["torch", "ray"]),
        ("hpo.run", ["torch", "ray", "wandb"]),
        ("hpo.execution.tune", ["torch", "wandb"]),
    ],
)
def test_importing_loads_no_more_than_it_may(module: str, absent: list[str]) -> None:
    program = f"import sys, {module}; print([name for name in {absent!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_every_shipped_study_loads() -> None:
    names = shipped_studies()
    assert {"ga_dacs", "tpe_dacs", "ga_camvid", "smoke"} <= {name.removesuffix(".yaml") for name in names}
    for name in names:
        assert load_study(name, {"run.data.root": "."} if "camvid" in name else {}).settings.budget.trials >= 1


def test_recipes_and_checkpoints_are_package_data() -> None:
    engine = resources.files("segada")
    assert (engine / "recipes" / "pretrain_streets.yaml").is_file()
    assert (engine / "models" / "checkpoints" / "streets_tiny.safetensors").is_file()


def test_readme_has_exactly_two_set_up_lines_and_ci_runs_the_second() -> None:
    lines = re.findall(r"^    (pip install .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert lines == [
        "pip install -e . && python -m hpo.run --space ga_dacs.yaml",
        "pip install -e '.[test]' && python -m pytest",
    ]
    assert "README.md" in (ROOT / ".ci" / "run").read_text()
