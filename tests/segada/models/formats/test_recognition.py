"""Recognition of checkpoints by names, shapes and classes, and refusal of wrong ones that would load."""

import json
from pathlib import Path

import foreign
import pytest
import timm
import torch
from torch import Tensor

from segada.data.labels import NAMES
from segada.models.formats import swin
from segada.models.formats.reading import read_weights
from segada.models.formats.sizes import SWINS, shown_facts
from segada.models.outline import outline
from segada.settings.architectures import MIX_TRANSFORMERS, default_head_width

Weights = dict[str, Tensor]


@pytest.fixture(scope="module")
def encoder() -> Weights:
    return foreign.smp_encoder().state_dict()


def save(content: object, tmp_path: Path) -> Path:
    torch.save(content, tmp_path / "net.pth")
    return tmp_path / "net.pth"


@pytest.mark.parametrize("name", MIX_TRANSFORMERS)
@pytest.mark.parametrize("head", ["segformer", "multi_exit", "daformer", "daformer_conv1"])
def test_shapes_show_encoder_head_width_and_classes(name: str, head: str) -> None:
    facts = {"encoder": name, "head": head, "width": str(default_head_width(name)), "classes": "150"}
    assert shown_facts(outline(facts)) == facts


@pytest.mark.parametrize("name", SWINS.values())
def test_shapes_show_which_swin_it_is(name: str) -> None:
    with torch.device("meta"):
        theirs = timm.create_model(name)
    assert shown_facts(swin.read_timm(theirs.state_dict()).tensors) == {"encoder": f"timm/{name}"}


def test_another_size_is_an_error_that_names_it(encoder: Weights, tmp_path: Path) -> None:
    # As deep as B5 in its third stage, and everything else as B0.
    deep = dict(encoder)
    for block in range(2, 40):
        deep |= {name.replace("block3.0", f"block3.{block}"): encoder[name] for name in encoder if "block3.0" in name}
    message = (
        r"net\.pth \(Mix Transformer encoder.*holds weights for model\.encoder a Mix Transformer of widths "
        r"\(32, 64, 160, 256\) and depths \(2, 2, 40, 2\), but the settings ask for mit_b0: 176 matched, 16 missing"
    )
    with pytest.raises(ValueError, match=message):
        foreign.loaded(save(deep, tmp_path), reinitialize=["head"])
    with pytest.raises(ValueError, match=r"encoder mit_b0, but.*ask for mit_tiny.*set model\.encoder to mit_b0, or"):
        foreign.loaded(save(encoder, tmp_path), "mit_tiny", reinitialize=["head"])


def test_b5_into_b1_is_an_error(tmp_path: Path) -> None:
    shapes = outline({"encoder": "mit_b5"})
    narrow = {name: torch.zeros(1).expand(tensor.shape) for name, tensor in shapes.items()}
    with pytest.raises(ValueError, match=r"for model\.encoder mit_b5, but the settings ask for mit_b1: \d"):
        foreign.loaded(save(narrow, tmp_path), "mit_b1", reinitialize=["head"])


@pytest.mark.parametrize("change", ["a part is lost", "a part is added", "a part has another shape"])
def test_a_file_that_does_not_keep_what_its_format_promises_fails(
    encoder: Weights, tmp_path: Path, change: str
) -> None:
    changed = {
        "a part is lost": {name: tensor for name, tensor in encoder.items() if name != "norm4.bias"},
        "a part is added": {**encoder, "block1.0.attn.rel_pos.weight": torch.zeros(1)},
        "a part has another shape": {**encoder, "block1.0.attn.sr.weight": torch.zeros(32, 32, 4, 4)},
    }[change]
    counted = {
        "a part is lost": r"175 matched, 1 missing \(first: encoder\.stages\.3\.norm\.bias\), 0 unexpected, 0 reshaped",
        "a part is added": r"176 matched, 0 missing, 1 unexpected \(first: block1\.0\.attn\.rel_pos\.weight\), 0 resh",
        "a part has another shape": r"175 matched, 0 missing, 0 unexpected, 1 reshaped \(first: encoder\.stages\.0\.bl",
    }[change]
    with pytest.raises(ValueError, match=rf"does not fit this network: {counted}"):
        foreign.loaded(save(changed, tmp_path), reinitialize=["head"])


def test_an_unknown_format_says_the_first_names_and_the_known_formats(tmp_path: Path) -> None:
    path = save({"state_dict": {f"conv{index}.weight": torch.zeros(1) for index in range(9)}}, tmp_path)
    with pytest.raises(ValueError, match=r"no known format: its names begin with conv0\.weight, .*conv4\.weight\. Kn"):
        read_weights(path)
    with pytest.raises(ValueError, match=r"it holds no tensors by name\. Known are: segada; NVlabs SegFormer; "):
        read_weights(save({"epoch": 3}, tmp_path))


def test_names_of_two_formats_are_refused(encoder: Weights, tmp_path: Path) -> None:
    path = save({**encoder, "layers.0.0.projection.weight": torch.zeros(1)}, tmp_path)
    with pytest.raises(ValueError, match=r"names of several formats: Mix Transformer encoder.* and mmsegmentation"):
        read_weights(path)


def test_a_student_beside_its_teacher_is_chosen_by_name(encoder: Weights, tmp_path: Path) -> None:
    student = {f"model.backbone.{name}": tensor for name, tensor in encoder.items()}
    teacher = {f"ema_model.backbone.{name}": tensor + 1 for name, tensor in encoder.items()}
    path = save({"state_dict": {**student, **teacher, "local_iter": torch.tensor(4)}}, tmp_path)
    with pytest.raises(ValueError, match=r"holds 2 networks: state_dict\.model, state_dict\.ema_model; .*--copy state"):
        read_weights(path)
    with pytest.raises(ValueError, match=r"no network 'teacher'; it holds state_dict\.model, state_dict\.ema_model"):
        read_weights(path, "teacher")
    name = "encoder.stages.0.norm.weight"
    for label, shift in (("state_dict.model", 0), ("state_dict.ema_model", 1)):
        stored = read_weights(path, label)
        assert torch.equal(stored.tensors[name], encoder["norm1.weight"] + shift)
        assert stored.left_out["local_iter"] == "beside the network"


def test_copies_in_different_places_are_told_apart(encoder: Weights, tmp_path: Path) -> None:
    path = save(
        {"model": encoder, "ema": {"module": encoder}, "optimizer": {"state": {0: {"exp": torch.ones(1)}}}}, tmp_path
    )
    with pytest.raises(ValueError, match=r"holds 2 networks: model, ema\.module; choose one with python -m segada"):
        read_weights(path)
    assert len(read_weights(path, "ema.module").tensors) == 176


def transformers_folder(tmp_path: Path, **config: object) -> Path:
    foreign.transformers_model("mit_tiny").save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
    return tmp_path


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"num_attention_heads": [1, 2, 5, 8]}, r"num_attention_heads \[1, 2, 5, 8\], but mit_tiny.*\[1, 2, 4, 6\]"),
        ({"strides": [2, 2, 2, 2]}, r"strides \[2, 2, 2, 2\], but mit_tiny"),
        ({"hidden_act": "relu"}, r"hidden_act relu, but mit_tiny.*gelu: the same numbers would be another function"),
    ],
)
def test_what_shapes_do_not_show_is_read_from_the_configuration(
    tmp_path: Path, config: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        foreign.loaded(transformers_folder(tmp_path, **config), "mit_tiny")


def named(names: tuple[str, ...]) -> dict[str, str]:
    return {str(index): name for index, name in enumerate(names)}


def test_classes_in_another_order_are_refused_unless_the_classifier_starts_fresh(tmp_path: Path) -> None:
    swapped = (NAMES[1], NAMES[0], *NAMES[2:])
    folder = transformers_folder(tmp_path, id2label=named(swapped))
    message = r"class 0 is 'sidewalk', and ours is 'road'; .*model\.reinitialize: \[head\.linear_pred\]"
    with pytest.raises(ValueError, match=message):
        foreign.loaded(folder, "mit_tiny")
    assert "114 matched" in foreign.loaded(folder, "mit_tiny", reinitialize=["head.linear_pred"]).origin


def test_other_classes_in_the_same_number_are_refused_and_other_spellings_are_not(tmp_path: Path) -> None:
    organs = named(tuple(f"organ {number}" for number in range(19)))
    with pytest.raises(ValueError, match=r"class 0 is 'organ 0', and ours is 'road'"):
        foreign.loaded(transformers_folder(tmp_path, id2label=organs), "mit_tiny")
    spelled = (*(name.title().replace(" ", "_") for name in NAMES[:-1]), "bike")
    assert "116 matched" in foreign.loaded(transformers_folder(tmp_path, id2label=named(spelled)), "mit_tiny").origin


def test_another_number_of_classes_loads_all_but_the_classifier_only_when_asked(tmp_path: Path) -> None:
    foreign.transformers_model("mit_tiny", classes=150).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"classes 150, but.*ask for 19.*model\.reinitialize: \[head\.linear_pred\]"):
        foreign.loaded(tmp_path, "mit_tiny")
    origin = foreign.loaded(tmp_path, "mit_tiny", reinitialize=["head.linear_pred"]).origin
    assert "114 matched, 0 missing, 0 unexpected, 0 reshaped; pixels: RGB in [0, 1], mean 0.485" in origin
