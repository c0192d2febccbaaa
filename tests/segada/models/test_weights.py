"""Weights on disk: round trip, and errors for weights that do not fit."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from segada.models.build import build_segmentor
from segada.models.formats.reading import read_weights
from segada.models.segmentor import Segmentor
from segada.models.weights import load_weights, save_weights
from segada.settings.adapter import AdapterSettings, AdaptFormerSettings, NoAdapter
from segada.settings.checkpoint_path import find_checkpoint
from segada.settings.model import ModelSettings


def build(seed: int, adapter: AdapterSettings | None = None, **changes: object) -> Segmentor:
    model = ModelSettings.model_validate({"checkpoint": None, **changes})
    return build_segmentor(model, adapter or NoAdapter(), torch.Generator().manual_seed(seed))


def adapted(bottleneck: int = 4) -> AdaptFormerSettings:
    return AdaptFormerSettings(name="adaptformer", bottleneck=bottleneck)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights" / "net.safetensors"


def test_weights_return_exactly(path: Path) -> None:
    saved, loaded = build(0, adapted()), build(1, adapted())
    saved.train()(torch.rand(2, 3, 32, 32))
    save_weights(saved, path, "0123456789")
    report = load_weights(loaded, str(path))
    assert len(report.matched) == len([*saved.parameters(), *saved.head.buffers()])
    assert report.complete
    assert not report.missing
    for one, other in zip(saved.storable().values(), loaded.storable().values(), strict=True):
        assert torch.equal(one, other)
    assert [file.name for file in path.parent.iterdir()] == ["net.safetensors"]


def test_half_precision_halves_the_file_and_rounds_parameters_only(path: Path) -> None:
    saved, loaded = build(0), build(1)
    bn = saved.head.linear_fuse.bn
    assert bn.running_var is not None
    bn.running_var.fill_(1e6)  # beyond float16
    save_weights(saved, path, "", torch.float16)
    assert path.stat().st_size < 1_000_000
    load_weights(loaded, str(path))
    assert torch.equal(loaded.head.linear_fuse.bn.running_var, bn.running_var)  # type: ignore[arg-type]
    for one, other in zip(saved.parameters(), loaded.parameters(), strict=True):
        assert torch.equal(one.half().float(), other)


def test_the_file_says_what_it_is(path: Path) -> None:
    save_weights(build(0), path, "0123456789")
    facts = {"encoder": "mit_tiny", "head": "segformer", "width": "64", "classes": "19", "settings_hash": "0123456789"}
    assert read_weights(path).facts == facts


def test_a_source_checkpoint_fills_a_network_with_adapters(path: Path) -> None:
    saved = build(0)
    save_weights(saved, path, "")
    model = ModelSettings(checkpoint=str(path), freeze="everything")
    loaded = build_segmentor(model, adapted(), torch.Generator().manual_seed(1)).eval()
    images = torch.rand((1, 3, 32, 32), generator=torch.Generator().manual_seed(2))
    assert torch.equal(loaded(images), saved.eval()(images))
    assert load_weights(loaded, str(path)).missing[0].endswith("parallel.down.weight")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder": "mit_b1"}, r"net\.safetensors .*model\.encoder mit_tiny.*ask for mit_b1.*set model\.encoder"),
        ({"head_width": 32}, r"model\.head_width 64.*ask for 32.*set model\.head_width to 64"),
    ],
)
def test_another_network_is_refused_and_nothing_is_filled(path: Path, changes: dict[str, object], message: str) -> None:
    save_weights(build(0), path, "")
    other = build(1, **changes)
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(ValueError, match=message):
        load_weights(other, str(path))
    assert all(torch.equal(tensor, before[name]) for name, tensor in other.state_dict().items())


def test_a_file_without_facts_is_judged_by_its_tensors(path: Path) -> None:
    path.parent.mkdir()
    tensors = {f"encoder.{name}": tensor.contiguous() for name, tensor in build(0).encoder.named_parameters()}
    save_file({**tensors, "other.weight": torch.zeros(1)}, path)
    with pytest.raises(
        ValueError,
        match=r"fills no head.*100 matched, 16 missing \(first: head.*1 unexpected.*0 reshaped.*reinitialize: \[head\]",
    ):
        load_weights(build(0), str(path))
    save_file({"encoder.stages.0.norm.weight": torch.zeros(7)}, path)
    with pytest.raises(ValueError, match=r"1 reshaped \(first: encoder\.stages\.0\.norm\.weight\)"):
        load_weights(build(0), str(path))


def test_adapters_that_the_network_lacks_or_has_in_another_size_are_refused(path: Path) -> None:
    save_weights(build(0, adapted()), path, "")
    for network in (build(0), build(0, adapted(bottleneck=5))):
        with pytest.raises(ValueError, match="adapter settings of the run that saved it"):
            load_weights(network, str(path))


def test_checkpoints_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no shipped checkpoint is called 'streets_tinny'; there is"):
        find_checkpoint("streets_tinny")
    with pytest.raises(ValueError, match=r"there is no file .*gone\.safetensors"):
        find_checkpoint(str(tmp_path / "gone.safetensors"))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    damaged = tmp_path / "net.safetensors"
    damaged.write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{")
    with pytest.raises(ValueError, match=r"net\.safetensors is not a readable safetensors file"):
        load_weights(build(0), str(damaged))


def test_numbers_that_are_not_finite_are_refused(path: Path) -> None:
    saved = build(0)
    saved.encoder.stages[1].norm.bias.data[0] = torch.nan  # type: ignore[union-attr]
    save_weights(saved, path, "")
    message = r"not finite in 1 tensors \(first: encoder\.stages\.1\.norm\.bias\); take a checkpoint from before"
    with pytest.raises(ValueError, match=message):
        load_weights(build(1), str(path))


def test_another_encoder_may_start_from_random_weights(path: Path) -> None:
    save_weights(build(0), path, "")
    other = build(1, encoder="mit_b1")
    with pytest.raises(ValueError, match="the settings ask for mit_b1"):
        load_weights(other, str(path), ("head",))
    assert not load_weights(other, str(path), ("encoder", "head")).matched
