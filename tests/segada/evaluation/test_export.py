"""Tests of saved files: safe, distinct names, and contents equal to the prediction."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from segada.data.datasets.domain_frames import LabelledFrame
from segada.evaluation.ensembling import Prediction
from segada.evaluation.export import KINDS, Saved, keep, safe_path
from segada.settings.class_sets import CITYSCAPES

names = st.text(st.sampled_from("ab./\\:_ äA\n\0"), min_size=1, max_size=8)


@given(names)
def test_a_path_stays_below_its_folder_and_has_no_strange_letter(name: str) -> None:
    path = safe_path(name)

    assert not path.is_absolute()
    assert path.parts
    for part in path.parts:
        assert part.isascii()
        assert part.replace("-", "").replace("_", "").replace(".", "").isalnum() or set(part) <= set("-_.")
        assert not part.startswith(".")


@given(names, names)
def test_two_names_are_two_paths(one: str, other: str) -> None:
    assert (safe_path(one) == safe_path(other)) == (one == other)


def test_a_plain_name_is_left_as_it_is() -> None:
    assert safe_path("frankfurt/frankfurt_000000_000294") == Path("frankfurt/frankfurt_000000_000294")
    assert safe_path("../../etc/passwd").parts[0].startswith("__-")


@pytest.fixture
def frame() -> LabelledFrame:
    return LabelledFrame("city/one", np.full((4, 6, 3), 40, np.uint8), np.zeros((8, 12), np.uint8))


@pytest.fixture
def prediction() -> Prediction:
    logits = torch.randn(19, 8, 12, generator=torch.Generator().manual_seed(0))
    return Prediction(logits.argmax(dim=0).byte(), logits.softmax(dim=0))


def test_every_kind_holds_what_was_predicted_at_the_labels_size(
    frame: LabelledFrame, prediction: Prediction, tmp_path: Path
) -> None:
    keep(tuple(KINDS), tmp_path, "rain", Saved(frame, prediction, CITYSCAPES))

    classes = prediction.classes.numpy()
    labels = cv2.imread(str(tmp_path / "labels/rain/city/one.png"), cv2.IMREAD_UNCHANGED)
    assert (labels.dtype, labels.tolist()) == (np.uint8, classes.tolist())
    ids = cv2.imread(str(tmp_path / "label_ids/rain/city/one.png"), cv2.IMREAD_UNCHANGED)
    assert {(int(train), int(full)) for train, full in zip(classes.flat, ids.flat, strict=True)} <= {
        (0, 7), (1, 8), (2, 11), (3, 12), (4, 13), (5, 17), (6, 19), (7, 20), (8, 21), (9, 22), (10, 23), (11, 24),
        (12, 25), (13, 26), (14, 27), (15, 28), (16, 31), (17, 32), (18, 33)
    }  # fmt: skip
    overlay = cv2.imread(str(tmp_path / "overlays/rain/city/one.png"))[..., ::-1]
    wanted = (np.array(CITYSCAPES.colors)[classes] + 40) / 2
    assert np.abs(overlay - wanted).max() <= 0.5
    soft = load_file(tmp_path / "soft/rain/city/one.safetensors")["probabilities"]
    assert soft.dtype == torch.float16
    assert prediction.probabilities is not None
    torch.testing.assert_close(soft.float(), prediction.probabilities, atol=1e-3, rtol=1e-3)


def test_only_what_is_asked_for_is_written(frame: LabelledFrame, prediction: Prediction, tmp_path: Path) -> None:
    keep(("labels",), tmp_path, "rain at night", Saved(frame, Prediction(prediction.classes), CITYSCAPES))

    files = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [Path("labels") / safe_path("rain at night") / "city" / "one.png"]
