"""Peak memory: against bytes counted by hand, reproducible, and greater with more trainable parameters."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from segada.engine.run_data import prepare_data
from segada.engine.runner import Run
from segada.models.peak_memory import MEBIBYTE, AllocatorPeak, Living
from segada.records import VisitRecord
from segada.settings import RunSettings

Settings = dict[str, object]


def _run(settings: Settings, folder: Path | None = None) -> Run:
    checked = RunSettings.model_validate(settings)
    run = Run(checked, prepare_data(checked), folder)
    while not run.finished:
        run.next_visit()
    return run


def _peak(settings: Settings) -> float:
    peak = _run(settings).report().visits[-1].peak_memory
    assert peak is not None
    return peak


def test_bytes_by_hand() -> None:
    before, other = torch.zeros(1000), torch.zeros(100)
    with Living() as living:
        kept = before + 1
        assert (living.now, living.peak) == (8000, 8000)
        view = kept[:10]
        assert living.now == 8000
        passing = torch.ones(250, dtype=torch.float64)
        assert living.now == 10_000
        del passing
        assert (living.now, living.peak) == (8000, 10_000)
        living.see([other])
        # It was there before, so at the peak as well.
        assert (living.now, living.peak) == (8400, 10_400)
        del kept
        assert living.now == 8400
        del view
        assert living.now == 4400


def test_what_is_kept_for_backward_counts_until_it_is_used() -> None:
    weight, images = torch.ones(64, 64, requires_grad=True), torch.ones(1024, 64)
    with Living() as living:
        hidden = torch.exp(images @ weight)
        total = hidden.sum()
        del hidden
        # Weight and images, the exponential that its own gradient needs, and the sum.
        forward = 4 * (64 * 64 + 2 * 1024 * 64 + 1)
        assert living.now == forward
        torch.autograd.grad(total, weight)
        assert living.peak > forward
        assert living.now < forward - 4 * 1024 * 64 + 100


def test_a_network_is_counted_like_its_allocations() -> None:
    network = nn.Sequential(nn.Linear(32, 256), nn.ReLU(), nn.Linear(256, 8))
    with Living() as living, torch.no_grad():
        network(torch.ones(512, 32))
    parameters = sum(value.numel() for value in network.parameters())
    # Of the layers the first two are alive at one time.
    assert living.peak == 4 * (parameters + 512 * (32 + 256 + 256))


def test_the_same_settings_take_the_same_bytes_and_learning_takes_more_than_looking(tiny_run: Settings) -> None:
    peaks = {name: _peak({**tiny_run, "method": {"name": name}}) for name in ("source_only", "tent", "dacs")}
    assert peaks["dacs"] > peaks["tent"] > peaks["source_only"] > 0
    assert _peak({**tiny_run, "method": {"name": "dacs"}}) == peaks["dacs"]


def test_larger_batches_take_more(tiny_run: Settings) -> None:
    stream = tiny_run["stream"]
    assert isinstance(stream, dict)
    settings = {**tiny_run, "method": {"name": "tent"}}
    one, four = (_peak({**settings, "stream": {**stream, "batch_size": size}}) for size in (1, 4))
    assert 1.5 * one < four


def test_adapters_in_a_frozen_encoder_take_less_than_all_of_it(tiny_run: Settings) -> None:
    whole = {**tiny_run, "method": {"name": "supervised"}}
    few = {**whole, "model": {"freeze": "encoder"}, "adapter": {"name": "adaptformer", "stages": [3]}}
    assert _peak(few) < 0.9 * _peak(whole)


def test_counting_changes_no_number(tiny_run: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {**tiny_run, "method": {"name": "dacs", "pseudo_threshold": 0.1}}
    counted = _run(settings).report().visits
    monkeypatch.setattr("segada.models.peak_memory.STEPS", 0)
    plain = _run(settings).report().visits
    assert plain[-1].peak_memory == 0.0
    assert [(visit.miou, visit.losses) for visit in counted] == [(visit.miou, visit.losses) for visit in plain]


def test_the_peak_is_of_the_run_so_far_and_survives_a_stop(tiny_run: Settings, tmp_path: Path) -> None:
    settings = RunSettings.model_validate({**tiny_run, "method": {"name": "tent"}})
    run_data = prepare_data(settings)
    whole = [visit.peak_memory for visit in _run({**tiny_run, "method": {"name": "tent"}}).report().visits]
    first = Run(settings, run_data, tmp_path)
    first.next_visit()
    second = Run(settings, run_data, tmp_path)
    second.next_visit()
    assert [visit.peak_memory for visit in second.report().visits] == whole
    assert whole[0] is not None
    assert whole[1] is not None
    assert whole[0] <= whole[1]


def test_a_record_of_before_has_no_peak(tiny_run: Settings) -> None:
    record = _run(tiny_run).report().visits[0].model_dump(mode="json")
    del record["peak_memory"]
    assert VisitRecord.model_validate_json(json.dumps(record)).peak_memory is None


def test_on_a_gpu_the_greatest_allocation_of_a_step_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an allocator in place of CUDA's, which this machine may not have."""
    allocated = iter([3 * MEBIBYTE, 7 * MEBIBYTE, 5 * MEBIBYTE])
    resets = []
    monkeypatch.setattr("torch.cuda.reset_peak_memory_stats", lambda: resets.append(1))
    monkeypatch.setattr("torch.cuda.max_memory_allocated", lambda: next(allocated))
    meter = AllocatorPeak()
    for _ in range(3):
        with meter.step(), meter.part("prediction"):
            pass
    assert (meter.mebibytes, len(resets)) == (7.0, 3)
    resumed = AllocatorPeak()
    resumed.load_state_dict(meter.state_dict())
    assert resumed.peak == meter.peak
