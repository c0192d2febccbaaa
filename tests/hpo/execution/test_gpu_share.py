"""Tests of `gpus_per_trial: auto`: shares by measured memory, one measurement per study, and refusals."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from hpo.config.schema import ResourceSettings
from hpo.execution import gpu_share
from hpo.execution.cluster import Cluster, Resources
from hpo.execution.gpu_share import Share, check_uses_gpu, sized
from segada.errors import InputError
from segada.settings import RunSettings
from segada.settings.evaluation import RuntimeSettings

GIGABYTE = 10**9
ON_GPU = RunSettings(runtime=RuntimeSettings(device="cuda"))
FOUND = Cluster(None, None, 1, Resources(None, 1, 1, 1))


@pytest.mark.parametrize(("used", "trials"), [(1, 72), (10, 7), (24, 3), (25, 2), (37, 1), (72, 1), (90, 1)], ids=str)
def test_as_many_trials_share_a_gpu_as_its_memory_holds(used: int, trials: int) -> None:
    share = Share("A100", used * GIGABYTE, 80 * GIGABYTE)
    assert share.trials == trials
    assert trials == 1 or trials * share.used <= 0.9 * share.total


def _nodes(monkeypatch: pytest.MonkeyPatch, *kinds: str) -> None:
    nodes = [{"CPU": 64.0, "GPU": 2.0, f"accelerator_type:{kind}": 1.0} for kind in kinds]
    monkeypatch.setattr("ray.nodes", lambda: [{"Alive": True, "Resources": node} for node in [{"CPU": 4.0}, *nodes]])


def _measurements(monkeypatch: pytest.MonkeyPatch, found: Mapping[str, Share]) -> list[str]:
    asked: list[str] = []

    def measured(kind: str, _settings: RunSettings) -> Share:
        asked.append(kind)
        return found[kind]

    monkeypatch.setattr(gpu_share, "_measured", measured)
    return asked


def test_the_kind_that_holds_the_fewest_decides_and_each_is_measured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _nodes(monkeypatch, "A100", "T4")
    shares = {"A100": Share("A100", 5 * GIGABYTE, 80 * GIGABYTE), "T4": Share("T4", 4 * GIGABYTE, 16 * GIGABYTE)}
    asked, told = _measurements(monkeypatch, shares), list[str]()
    ray = sized(FOUND, ON_GPU, tmp_path, told.append)

    assert ray.resources.gpus == pytest.approx(1 / 3)
    assert ray.workers == 2 * 2 * 3
    assert asked == ["A100", "T4"]
    assert told[1] == "T4: the default configuration takes 4.0 of 16.0 GB, so that 3 trials share one"
    assert sized(FOUND, ON_GPU, tmp_path, told.append) == ray
    assert asked == ["A100", "T4"]


def test_a_study_on_one_kind_asks_nothing_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _nodes(monkeypatch, "A100", "T4")
    asked = _measurements(monkeypatch, {"A100": Share("A100", 30 * GIGABYTE, 80 * GIGABYTE)})
    on = Cluster(None, None, 1, Resources(3, 1, 1, 1, "A100"))
    ray = sized(on, ON_GPU, tmp_path, lambda _: None)
    assert (ray.resources.gpus, ray.workers, asked) == (0.5, 3, ["A100"])


def test_a_run_on_a_processor_has_no_share_of_a_gpu() -> None:
    with pytest.raises(InputError, match=r"gpus_per_trial is auto, but runtime.device is 'cpu'"):
        check_uses_gpu(RunSettings())
    check_uses_gpu(ON_GPU)


def test_the_study_file_takes_auto_a_number_and_nothing_else() -> None:
    assert ResourceSettings(gpus_per_trial="auto", accelerator="A100").gpus_per_trial == "auto"
    with pytest.raises(ValueError, match="gpus_per_trial"):
        ResourceSettings.model_validate({"gpus_per_trial": "most"})


@pytest.mark.slow
def test_a_gpu_that_torch_does_not_find_is_refused_in_one_line(tmp_path: Path) -> None:
    import ray

    ray.init("local", num_cpus=1, num_gpus=1, include_dashboard=False, log_to_driver=False)
    try:
        with pytest.raises(InputError, match=r"cannot be measured on a .* \(runtime.device is 'cuda', but torch finds"):
            sized(FOUND, ON_GPU, tmp_path, lambda _: None)
    finally:
        ray.shutdown()
