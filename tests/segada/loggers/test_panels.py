"""Tests of the contents and layout of panels."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from segada.data.batch import Batch
from segada.data.labels import painted
from segada.loggers.canvas import CAPTION, GAP, TITLE, WIDTH, Panel, draw
from segada.loggers.colors import SURE, UNSURE, WRONG, label_map, mistakes, numbers, spotlight
from segada.loggers.mix_panels import mix_panel
from segada.loggers.prediction_panels import prediction_panel
from segada.methods.mix_visuals import MixPictures
from segada.selftraining.class_mix import MixedBatch
from segada.settings.class_sets import CITYSCAPES

ROAD, CAR = 0, 13


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def _tile(panel: np.ndarray, row: int, column: int, height: int) -> np.ndarray:
    top, left = TITLE + CAPTION + row * (CAPTION + height + GAP), GAP + column * (WIDTH + GAP)
    return panel[top : top + height, left : left + WIDTH]


@pytest.mark.parametrize("shape", [(64, 128), (32, 64), (300, 200), (512, 1024)])
def test_labels_keep_their_colors_and_edges_at_any_size(shape: tuple[int, int]) -> None:
    labels = np.full(shape, CAR, np.uint8)
    labels[: shape[0] // 2] = 255
    panel = Panel(
        "title",
        [[label_map("one", labels, CITYSCAPES)], [label_map("two", labels, CITYSCAPES)]],
        shape,
        [CAR, 255],
        CITYSCAPES,
    )
    height = round(shape[0] * WIDTH / shape[1])
    for row in range(2):
        tile = _tile(_pixels(draw(panel)), row, 0, height)
        assert tile.shape == (height, WIDTH, 3)
        assert (tile[: height // 2 - 3] == painted(np.array(255, np.uint8), CITYSCAPES)).all()
        assert (tile[height // 2 + 3 :] == painted(np.array(CAR, np.uint8), CITYSCAPES)).all()


def test_the_same_panel_gives_the_same_bytes_and_another_title_others() -> None:
    rows = [[label_map("one", np.zeros((8, 16), np.uint8), CITYSCAPES)]]
    first = draw(Panel("visit 1", rows, (8, 16), [0], CITYSCAPES))
    assert first == draw(Panel("visit 1", rows, (8, 16), [0], CITYSCAPES))
    assert first != draw(Panel("visit 2", rows, (8, 16), [0], CITYSCAPES))


def test_the_legend_grows_with_the_labels_that_occur() -> None:
    rows = [[label_map("one", np.zeros((8, 16), np.uint8), CITYSCAPES)]]
    heights = [_pixels(draw(Panel("", rows, (8, 16), range(count), CITYSCAPES))).shape[0] for count in (0, 1, 19)]
    assert heights[0] < heights[1] < heights[2]


def test_numbers_are_painted_from_dark_to_bright() -> None:
    values = torch.tensor([[0.0, 0.5, 1.0]])
    for colors in (SURE, UNSURE):
        painted = numbers("", values, colors).pixels
        assert (painted[0, 0] == colors[0]).all()
        assert (painted[0, 2] == colors[255]).all()
        assert painted[0, 0].sum() < painted[0, 1].sum() < painted[0, 2].sum()


def test_mistakes_are_red_where_a_labelled_pixel_is_wrong() -> None:
    image = torch.full((3, 1, 3), 0.8)
    found = mistakes("", image, np.array([[1, 2, 3]], np.uint8), np.array([[1, 3, 255]], np.uint8)).pixels
    assert found[0, 0].tolist() == [102, 102, 102]
    assert tuple(found[0, 1]) == WRONG
    assert found[0, 2].tolist() == [0, 0, 0]


def test_the_spotlight_is_on_the_marked_cells() -> None:
    lit = spotlight("", torch.ones(3, 4, 8), np.array([[True, False]])).pixels
    assert (lit[:, :4] == 255).all()
    assert (lit[:, 4:] == 63).all()


def _pictures() -> MixPictures:
    """Returns two frames; in the second, a car is pasted onto the left half, where the pseudo-label is road."""
    shape = (2, 32, 64)
    pasted = torch.zeros(shape, dtype=torch.bool)
    pasted[1, :, :32] = True
    source = Batch(torch.full((2, 3, 32, 64), 0.25), torch.full(shape, CAR))
    believed = torch.full(shape, ROAD)
    mixed = MixedBatch(
        torch.full((2, 3, 32, 64), 0.5), torch.where(pasted, CAR, ROAD), torch.where(pasted, 1.0, 0.0), pasted
    )
    return MixPictures(
        source, torch.full((2, 3, 32, 64), 0.75), believed, mixed, torch.tensor([[[13, 0]]] * 2), pasted[:, ::32, ::32]
    )


def test_a_mix_panel_shows_all_that_a_step_was_made_of() -> None:
    panel = mix_panel(_pictures(), 1, "visit 0 (clear), frame 1", CITYSCAPES)
    assert panel.labels == [ROAD, CAR]
    assert "frame 1" in panel.title
    assert "50 %" in panel.title
    drawn = _pixels(draw(panel))
    left, right = np.s_[2:-2, 2:180], np.s_[2:-2, 204:-2]
    road, car = (painted(np.array(label, np.uint8), CITYSCAPES) for label in (ROAD, CAR))
    bright, dark, wanted = [64] * 3, [16] * 3, {}
    wanted[0, 0], wanted[1, 0] = (bright, bright), ([191] * 3, [191] * 3)
    wanted[0, 1], wanted[1, 1] = (car, car), (road, road)
    wanted[0, 2], wanted[1, 2] = ([128] * 3, [128] * 3), ([255] * 3, [40] * 3)
    wanted[0, 3], wanted[1, 3] = (car, road), (SURE[255], SURE[0])
    wanted[0, 4], wanted[1, 4] = (bright, dark), (car, road)
    for (row, column), (of_left, of_right) in wanted.items():
        tile = _tile(drawn, row, column, 192)
        assert (tile[left] == of_left).all(), (row, column)
        assert (tile[right] == of_right).all(), (row, column)


def test_a_prediction_panel_shows_what_was_predicted_and_how_surely() -> None:
    images = torch.full((1, 3, 32, 64), 0.8)
    labels = torch.full((1, 32, 64), CAR)
    logits = torch.zeros(1, len(CITYSCAPES), 8, 16)
    logits[:, ROAD, :, :8] = 50.0
    logits[:, CAR, :, 8:] = 0.001
    panel = prediction_panel(images, labels, logits, "visit 0 (clear), frame 1", CITYSCAPES)
    assert "mIoU of the frame" in panel.title
    assert panel.labels == [ROAD, CAR]
    drawn = _pixels(draw(panel))
    left, right = np.s_[2:-2, 2:150], np.s_[2:-2, 240:-2]
    road, car = (painted(np.array(label, np.uint8), CITYSCAPES) for label in (ROAD, CAR))
    wanted = {
        (0, 0): ([204] * 3, [204] * 3),
        (0, 1): (car, car),
        (0, 2): (road, car),
        (1, 0): (WRONG, [102] * 3),
        (1, 1): (SURE[255], SURE[round(255 / len(CITYSCAPES))]),
        (1, 2): (UNSURE[0], UNSURE[255]),
    }
    for (row, column), (of_left, of_right) in wanted.items():
        tile = _tile(drawn, row, column, 192)
        assert (tile[left] == of_left).all(), (row, column)
        assert (tile[right] == of_right).all(), (row, column)


def test_a_frame_without_labels_has_a_panel_too() -> None:
    panel = prediction_panel(
        torch.zeros(1, 3, 32, 64), torch.full((1, 32, 64), 255), torch.zeros(1, 19, 8, 16), "here", CITYSCAPES
    )
    assert "no labelled pixel" in panel.title
    # The two pictures that show labels are left out.
    assert [[picture.caption.partition(",")[0] for picture in row] for row in panel.rows] == [
        ["image", "prediction"],
        ["confidence", "entropy"],
    ]
    assert panel.labels == [0]
