"""Checkpoints of other classes: refused with the cure, or matched by the names of the classes."""

from pathlib import Path

import pytest
import torch

from segada.models.build import bare_segmentor, build_segmentor
from segada.models.segmentor import Segmentor
from segada.models.weights import save_weights
from segada.settings.adapter import NoAdapter
from segada.settings.class_sets import CITYSCAPES, ClassSet
from segada.settings.model import ModelSettings

OLD = ClassSet(names=("road", "traffic light", "sky"))
NEW = ClassSet(names=("Sky", "tree", "traffic-light", "road"))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Segmentor:
    network = bare_segmentor(ModelSettings(checkpoint=None), torch.Generator().manual_seed(1), OLD)
    torch.nn.init.normal_(network.head.get_parameter("linear_pred.bias"))
    save_weights(network, tmp_path / "old.safetensors", "")
    return network


def built(tmp_path: Path, classes: ClassSet, **model: object) -> Segmentor:
    settings = ModelSettings.model_validate({"checkpoint": str(tmp_path / "old.safetensors"), **model})
    return build_segmentor(settings, NoAdapter(), torch.Generator().manual_seed(2), classes=classes)


def test_another_number_of_classes_is_refused_with_both_cures(checkpoint: Segmentor, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds weights for classes 3, but the settings ask for 4") as refusal:
        built(tmp_path, NEW)
    assert "model.class_match: name" in str(refusal.value)
    assert "model.reinitialize: [head.linear_pred]" in str(refusal.value)
    with pytest.raises(ValueError, match=r"classes 3") as refusal:
        built(tmp_path, ClassSet(names=("cat", "dog")))
    assert "class_match" not in str(refusal.value)


def test_rows_of_equal_names_are_taken_and_others_stay_random(checkpoint: Segmentor, tmp_path: Path) -> None:
    network = built(tmp_path, NEW, class_match="name")
    random = bare_segmentor(ModelSettings(checkpoint=None), torch.Generator().manual_seed(2), NEW)
    for name in ("linear_pred.weight", "linear_pred.bias"):
        ours, theirs = network.head.get_parameter(name), checkpoint.head.get_parameter(name)
        assert ours[[0, 2, 3]].equal(theirs[[2, 1, 0]])
        assert ours[1].equal(random.head.get_parameter(name)[1])
    fused = "linear_fuse.conv.weight"
    assert network.head.get_parameter(fused).equal(checkpoint.head.get_parameter(fused))


def test_the_same_number_in_another_order_is_no_silent_match(checkpoint: Segmentor, tmp_path: Path) -> None:
    other = ClassSet(names=("sky", "traffic light", "road"))
    with pytest.raises(ValueError, match=r"its class 0 is 'road', and ours is 'sky'; take the rows"):
        built(tmp_path, other)
    network = built(tmp_path, other, class_match="name")
    assert network.head.get_parameter("linear_pred.weight").equal(
        checkpoint.head.get_parameter("linear_pred.weight")[[2, 1, 0]]
    )


def test_a_match_without_names_is_refused(checkpoint: Segmentor, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no class of data.classes is in the file: its classes are road, "):
        built(tmp_path, ClassSet(names=("cat", "dog")), class_match="name")
    torch.save(checkpoint.state_dict(), tmp_path / "nameless.pt")
    nameless = ModelSettings(checkpoint=str(tmp_path / "nameless.pt"), class_match="name")
    with pytest.raises(ValueError, match=r"no class of data.classes is in the file: it names none"):
        build_segmentor(nameless, NoAdapter(), torch.Generator(), classes=ClassSet(names=("road", "sky")))


def test_the_shipped_checkpoint_has_the_classes_of_cityscapes() -> None:
    settings, generator = ModelSettings(class_match="name"), torch.Generator()
    network = build_segmentor(settings, NoAdapter(), generator, classes=ClassSet(names=("sky", "gull", "road")))
    whole = build_segmentor(ModelSettings(), NoAdapter(), generator)
    rows = network.head.get_parameter("linear_pred.weight")
    assert rows[[0, 2]].equal(whole.head.get_parameter("linear_pred.weight")[[10, 0]])


def test_weights_carry_the_names_of_their_classes(checkpoint: Segmentor, tmp_path: Path) -> None:
    assert built(tmp_path, OLD).class_names == OLD.names
    assert build_segmentor(ModelSettings(), NoAdapter(), torch.Generator()).class_names == CITYSCAPES.names
