"""`python -m segada.convert`: what it says of a file, what it writes, and what it leaves when it refuses."""

import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoImageProcessor, SegformerConfig, SegformerForSemanticSegmentation

from segada import convert
from segada.cli.exit_codes import DONE, WRONG_INPUT
from segada.core.atomic_io import write_folder
from segada.data.labels import NAMES
from segada.models.build import bare_segmentor, build_segmentor
from segada.models.preprocessing import IMAGENET, Preprocessing
from segada.models.segmentor import Segmentor
from segada.models.weights import save_weights
from segada.settings.adapter import AdapterSettings, AdaptFormerSettings, NoAdapter
from segada.settings.checkpoint_path import find_checkpoint
from segada.settings.model import ModelSettings


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Run":
    monkeypatch.chdir(tmp_path)
    return Run(monkeypatch)


class Run:
    """The command in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def __call__(self, *arguments: str) -> int:
        self.monkeypatch.setattr(sys, "argv", ["convert", *arguments])
        return convert.main()


def network(checkpoint: object, adapter: AdapterSettings | None = None, **changes: object) -> Segmentor:
    model = ModelSettings.model_validate({"checkpoint": None if checkpoint is None else str(checkpoint), **changes})
    return build_segmentor(model, adapter or NoAdapter(), torch.Generator().manual_seed(0)).eval()


def images() -> Tensor:
    return torch.rand((2, 3, 64, 96), generator=torch.Generator().manual_seed(1))


def transformers_folder(folder: Path, classes: int = 19) -> Path:
    """What transformers writes of the tiny encoder, with its own random weights."""
    config = SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[16, 32, 64, 96],
        num_attention_heads=[1, 2, 4, 6],
        decoder_hidden_size=64,
        id2label={index: f"thing {index}" for index in range(classes)} if classes != 19 else dict(enumerate(NAMES)),
    )
    SegformerForSemanticSegmentation(config).save_pretrained(folder)
    return folder


def open_with_transformers(folder: Path) -> SegformerForSemanticSegmentation:
    model, info = SegformerForSemanticSegmentation.from_pretrained(folder, output_loading_info=True)
    assert not any(info.values()), info
    return model.eval()


@torch.no_grad()
@pytest.mark.parametrize("encoder", ["mit_tiny", "mit_b0"])
def test_transformers_opens_what_is_written_to_the_same_logits(run: Run, tmp_path: Path, encoder: str) -> None:
    if encoder == "mit_tiny":
        source = "streets_tiny"
    else:
        source = "b0.safetensors"
        model = ModelSettings(encoder=encoder, checkpoint=None)
        save_weights(bare_segmentor(model, torch.Generator().manual_seed(2)), tmp_path / source, "")
    assert run(source, "out", "--to", "hf") == DONE
    theirs = open_with_transformers(tmp_path / "out")
    ours = network(tmp_path / source if encoder == "mit_b0" else source, encoder=encoder)
    expected, actual = ours(images()), theirs((images() - ours.mean) / ours.std).logits
    # Their norms have another epsilon: the same numbers are the same function up to that.
    assert (actual - expected).abs().max() <= 1e-4
    for name, module in theirs.named_modules():
        if isinstance(module, torch.nn.LayerNorm) and "patch_embeddings" not in name and "sequence_red" not in name:
            module.eps = 1e-6
    actual = theirs((images() - ours.mean) / ours.std).logits
    assert (actual - expected).abs().max() <= 1e-5 * max(1.0, expected.abs().max().item())
    assert theirs.config.id2label == dict(enumerate(NAMES))


def test_images_are_prepared_as_ours(run: Run, tmp_path: Path) -> None:
    assert run("streets_tiny", "out", "--to", "hf") == DONE
    image = (images()[0] * 255).round().to(torch.uint8)
    prepared = AutoImageProcessor.from_pretrained(tmp_path / "out")(image, return_tensors="pt")["pixel_values"]
    ours = network("streets_tiny")
    torch.testing.assert_close(prepared, ours.normalized(image[None] / 255).contiguous(), rtol=0, atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_a_preprocessing_goes_with_the_weights_into_every_format(
    run: Run, tmp_path: Path, order: Literal["rgb", "bgr"], capsys: pytest.CaptureFixture[str]
) -> None:
    first = network("streets_tiny")
    first.prepare(Preprocessing((0.5, 0.4, 0.3), (0.2, 0.25, 0.3), order))
    save_weights(first, tmp_path / "first.safetensors", "")
    assert run("first.safetensors", "second.safetensors") == DONE
    words = f"pixels: {order.upper()} in [0, 1], mean 0.5 0.4 0.3, standard deviation 0.2 0.25 0.3 (its metadata)"
    assert words in capsys.readouterr().out
    second = network(tmp_path / "second.safetensors")
    assert words in second.origin
    image = (images()[:1] * 255).round().to(torch.uint8)
    assert second(image / 255).equal(first(image / 255))
    assert run("second.safetensors", "out", "--to", "hf") == DONE
    prepared = AutoImageProcessor.from_pretrained(tmp_path / "out")(image, return_tensors="pt")["pixel_values"]
    # Their norms have another epsilon.
    assert (open_with_transformers(tmp_path / "out")(prepared).logits - first(image / 255)).abs().max() <= 1e-3
    third = network(tmp_path / "out")
    assert third.preprocessing.channel_order == "rgb"
    torch.testing.assert_close(third(image / 255), first(image / 255), rtol=0, atol=1e-4)


@pytest.mark.parametrize("classes", [19, 7])
def test_there_and_back_changes_no_bit(run: Run, tmp_path: Path, classes: int) -> None:
    source = transformers_folder(tmp_path / "source", classes)
    assert run("source", "ours.safetensors") == DONE
    assert run("ours.safetensors", "back", "--to", "hf") == DONE
    before, after = load_file(source / "model.safetensors"), load_file(tmp_path / "back" / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    first, last = (SegformerConfig.from_pretrained(folder) for folder in (source, tmp_path / "back"))
    assert first.id2label == last.id2label
    for key in ("depths", "hidden_sizes", "num_attention_heads", "sr_ratios", "mlp_ratios", "patch_sizes", "strides"):
        assert list(getattr(first, key)) == list(getattr(last, key)), key
    assert open_with_transformers(tmp_path / "back").config.num_labels == classes


def test_our_file_says_what_it_is_and_where_it_comes_from(run: Run, tmp_path: Path) -> None:
    source = transformers_folder(tmp_path / "source")
    assert run("source", "new/folder/ours.safetensors") == DONE
    with safe_open(tmp_path / "new/folder/ours.safetensors", framework="pt") as file:
        facts = json.loads(file.metadata()["segada"])
    assert facts == {
        "encoder": "mit_tiny",
        "head": "segformer",
        "width": "64",
        "classes": "19",
        "class_names": list(NAMES),
        "source_format": "HF transformers SegFormer, names of its files",
        "source_sha256": hashlib.sha256((source / "model.safetensors").read_bytes()).hexdigest(),
    }
    assert "116 matched, 0 missing" in network("new/folder/ours.safetensors").origin
    content = (tmp_path / "new/folder/ours.safetensors").read_bytes()
    assert run("source", "new/folder/ours.safetensors") == DONE
    assert (tmp_path / "new/folder/ours.safetensors").read_bytes() == content


def test_a_file_is_described(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = bare_segmentor(ModelSettings(encoder="mit_b0", checkpoint=None), torch.Generator())
    encoder = {f"backbone.{name}": tensor for name, tensor in official_names(bare).items()}
    torch.save({"state_dict": {**encoder, "auxiliary_head.conv.weight": torch.zeros(1)}}, tmp_path / "net.pth")
    assert run("net.pth") == DONE
    assert capsys.readouterr().out.splitlines() == [
        "net.pth: Mix Transformer encoder, as NVlabs and segmentation_models.pytorch name it",
        "  network: encoder mit_b0, no head",
        "  tensors: 176 matched, 0 missing, 0 unexpected, 0 reshaped",
        "  left out: 1, a head that only training uses (auxiliary_head.conv.weight)",
        f"  pixels: {IMAGENET}",
    ]
    assert run("streets_tiny_multi_exit") == DONE
    assert "encoder mit_tiny, head multi_exit of width 64, 19 classes" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["net.pth"]


def official_names(segmentor: Segmentor) -> dict[str, Tensor]:
    """The encoder as NVlabs names it."""
    names = {}
    for name, tensor in segmentor.encoder.state_dict().items():
        if not name.endswith("_extra_state"):
            _, stage, rest = name.split(".", 2)
            rest = rest.replace("mlp.dwconv", "mlp.dwconv.dwconv")
            word, _, inside = rest.partition(".")
            block = {"patch_embed": "patch_embed", "blocks": "block", "norm": "norm"}[word]
            names[f"{block}{int(stage) + 1}.{inside}"] = tensor
    return names


def test_a_network_is_chosen_among_several(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = bare_segmentor(ModelSettings(encoder="mit_b0", checkpoint=None), torch.Generator())
    encoder = official_names(bare)
    torch.save({"model": encoder, "ema": {name: tensor + 1 for name, tensor in encoder.items()}}, tmp_path / "net.pth")
    assert run("net.pth") == DONE
    said = capsys.readouterr().out
    assert said.startswith("net.pth holds 2 networks; --copy chooses one\n--copy model\nnet.pth: Mix Transformer enc")
    assert said.count("176 matched") == 2
    assert run("net.pth", "out.safetensors") == WRONG_INPUT
    assert "holds 2 networks: model, ema; choose one with" in capsys.readouterr().err
    assert run("net.pth", "out.safetensors", "--copy", "ema") == DONE
    name = "encoder.stages.0.norm.weight"
    assert torch.equal(load_file(tmp_path / "out.safetensors")[name], bare.encoder.stages[0].norm.weight + 1)
    ours = network("out.safetensors", encoder="mit_b0", reinitialize=["head"])
    assert torch.equal(ours.encoder.stages[0].norm.weight, bare.encoder.stages[0].norm.weight + 1)


def test_a_part_is_left_out(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("streets_tiny_multi_exit", "out", "--to", "hf") == WRONG_INPUT
    assert "has the head segformer; --leave-out head.light_exit makes it one; nothing" in capsys.readouterr().err
    assert run("streets_tiny_multi_exit", "out", "--to", "hf", "--leave-out", "head.light_exit") == DONE
    assert "head segformer of width 64, 19 classes" in capsys.readouterr().out
    assert open_with_transformers(tmp_path / "out").config.decoder_hidden_size == 64
    assert run("streets_tiny", "--leave-out", "head.light") == WRONG_INPUT
    assert "--leave-out: no parameter of this network has 'head.light'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gone.pth"], "INPUT: there is no file gone.pth"),
        (["streets_tinny"], "INPUT: no shipped checkpoint is called 'streets_tinny'; there is streets_tiny"),
        (["note.txt"], "note.txt is not a readable file of torch"),
        (["part.safetensors", "out.safetensors"], "is not all of a network, and no more: 1 matched, 115 missing"),
        (
            ["adapted.safetensors", "out", "--to", "hf"],
            "it carries adapters (first: encoder.stages.0.blocks.0.para",
        ),
        (
            ["daformer.safetensors", "out", "--to", "hf"],
            "its head is daformer, but SegFormer of HF transformers has",
        ),
        (["streets_tiny", "out.pth"], "OUTPUT out.pth: must end with .safetensors; for a folder of transformers say"),
        (["streets_tiny", "note.txt/out.safetensors"], "OUTPUT note.txt: note.txt is no folder"),
        (["streets_tiny", ".", "--to", "hf"], "OUTPUT .: holds files already; choose a new folder"),
        (["part.safetensors", "part.safetensors"], "OUTPUT part.safetensors is the input; choose another place"),
        (["odd.safetensors"], "odd.safetensors: its head is fan of width 4 for 19 classes, which no setting builds"),
        (["streets_tiny", "--copy", "ema"], "holds no network 'ema'; it holds all of it"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_and_nothing_is_written(
    run: Run, tmp_path: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "note.txt").write_text("no weights")
    adapter = AdaptFormerSettings(name="adaptformer", bottleneck=2)
    save_weights(network("streets_tiny", adapter), tmp_path / "adapted.safetensors", "")
    save_weights(network(None, head="daformer", head_width=8), tmp_path / "daformer.safetensors", "")
    name = "encoder.stages.0.norm.weight"
    part = {name: load_file(find_checkpoint("streets_tiny"))[name]}
    facts = {"encoder": "mit_tiny", "head": "segformer", "width": "64", "classes": "19"}
    save_file(part, tmp_path / "part.safetensors", {"segada": json.dumps(facts)})
    save_file(part, tmp_path / "odd.safetensors", {"segada": json.dumps({**facts, "head": "fan", "width": "4"})})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert run(*arguments) == WRONG_INPUT
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert said in error
    assert error.count("\n") == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_adapters_go_with_our_own_format(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    adapter = AdaptFormerSettings(name="adaptformer", bottleneck=2)
    save_weights(network("streets_tiny", adapter), tmp_path / "adapted.safetensors", "")
    assert run("adapted.safetensors", "again.safetensors") == DONE
    assert "116 matched, 0 missing, 0 unexpected, 0 reshaped, 8 of adapters" in capsys.readouterr().out
    assert "124 matched" in network("again.safetensors", adapter).origin
    without = ["adapted.safetensors", "out", "--to", "hf", "--leave-out", "parallel"]
    assert run(*without) == DONE
    assert open_with_transformers(tmp_path / "out").config.depths == [1, 1, 1, 1]


KILLED_HALFWAY = """
import os, signal
from pathlib import Path
from segada.core.atomic_io import write_folder

class Killed(dict):
    def items(self):
        yield "model.safetensors", b"tensors"
        os.kill(os.getpid(), signal.SIGKILL)

write_folder(Path("out"), Killed())
"""


def test_a_folder_is_there_whole_or_not_at_all(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    killed = subprocess.run([sys.executable, "-c", KILLED_HALFWAY], cwd=tmp_path, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list((tmp_path / "out").iterdir()) == []
    assert run("streets_tiny", "out", "--to", "hf") == DONE
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"config.json", "model.safetensors", "preprocessor_config.json"}
    with pytest.raises(OSError, match="not empty"):
        write_folder(tmp_path / "out", {"config.json": b"{}"})
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
