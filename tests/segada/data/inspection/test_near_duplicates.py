"""Near-duplicates between splits: measured as by the plain formula, noted without a gap, and not with one."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from published_trees import write

from segada.data.__main__ import main
from segada.data.datasets.registry import LAYOUTS
from segada.data.inspection.near_duplicates import (
    agreement_text,
    agreements,
    correlation,
    is_near,
    near_text,
    share_of_one_class,
)
from segada.records import DataCheck, SplitAgreement
from segada.settings.class_sets import CITYSCAPES
from segada.settings.domains import FoldersDomain

FRAMES = 60
SIZE = (48, 64)
"""That at which frames are compared, so that nothing is resized."""

SETTINGS = """
data:
  size: [48, 64]
  root: {root}
  loading: {{cache: null}}
  domains:
    film: {domain}
stream: {{source: film, visits: [film], split: source, frames: 4}}
model: {{encoder: mit_tiny, checkpoint: null}}
method: {{name: supervised}}
evaluation: {{split: test}}
"""
IMAGES = '{dataset: folders, images: "rgb/*.png", labels: "ids/*.png"'


def scene(number: int) -> np.ndarray:
    """Returns the labels of a place: another one at each number."""
    return np.random.default_rng(number).integers(0, 8, SIZE, dtype=np.uint8)


def passing(number: int) -> np.ndarray:
    """Returns labels of a drive: in every frame an eighth of the rows shows a new place."""
    return np.stack([scene((number + row % 8) // 8)[row] for row in range(SIZE[0])])


def write_film(root: Path, count: int = FRAMES) -> None:
    for number in range(count):
        labels = passing(number)
        write(root / "ids" / f"a_{number:03}.png", labels)
        write(root / "rgb" / f"a_{number:03}.png", np.repeat(labels[..., None] * 30, 3, axis=2))


def folders(**given: object) -> FoldersDomain:
    return FoldersDomain.model_validate({"dataset": "folders", "images": "rgb/*.png", "labels": "ids/*.png", **given})


def frames_of(root: Path, domain: FoldersDomain, **numbers: list[int]) -> dict[str, list[object]]:
    """Returns the frames of splits, by their numbers."""
    whole = domain.model_copy(update={"shares": (1.0, 0.0, 0.0, 0.0)})
    listed = LAYOUTS["folders"].listing(whole, root, "source").frames
    return {split: [listed[number] for number in some] for split, some in numbers.items()}


def test_agreement_of_two_frames_by_hand() -> None:
    one, other = np.array([[0, 1, 255, 3]], np.uint8), np.array([[0, 2, 2, 255]], np.uint8)
    assert share_of_one_class(one, other) == 0.5
    assert share_of_one_class(one, np.full((1, 4), 255, np.uint8)) is None
    assert correlation(one, one) == pytest.approx(1.0)
    assert correlation(one, np.zeros((1, 4), np.uint8)) is None


def test_the_mean_is_that_of_the_plain_formula(tmp_path: Path) -> None:
    write_film(tmp_path, 20)
    scored, learned = [3, 7, 9, 15, 18], [0, 1, 5, 8, 10, 16, 17]

    (found,) = agreements(
        frames_of(tmp_path, folders(), source=learned, test=scored),
        CITYSCAPES,
        lambda _: "film",  # type: ignore[arg-type]
    )

    def alike(one: int, other: int) -> float:
        return float((passing(one) == passing(other)).mean())

    near = []
    for number in scored:
        before, after = [one for one in learned if one < number], [one for one in learned if one > number]
        near.append(max(alike(number, one) for one in (*before[-1:], *after[:1])))
    every = [alike(one, other) for one, other in combinations([*learned, *scored], 2)]
    assert (found.splits, found.by) == (("source", "test"), "labels")
    assert found.neighbors == pytest.approx(np.mean(near))
    assert found.any_pairs == pytest.approx(np.mean(every))


def test_frames_of_another_recording_are_no_neighbors(tmp_path: Path) -> None:
    write_film(tmp_path, 20)
    frames = frames_of(tmp_path, folders(), source=list(range(0, 20, 2)), test=list(range(1, 20, 2)))

    apart = agreements(frames, CITYSCAPES, lambda key: str(int(key[2:]) % 2))  # type: ignore[arg-type]

    assert apart == []


def test_images_are_compared_where_the_learned_frames_have_no_labels(tmp_path: Path) -> None:
    write_film(tmp_path, 20)
    blank = frames_of(tmp_path, folders(labels=None), adapt=list(range(0, 20, 2)))
    frames = {**blank, **frames_of(tmp_path, folders(), test=list(range(1, 20, 2)))}

    (found,) = agreements(frames, CITYSCAPES, lambda _: "film")  # type: ignore[arg-type]

    assert found.by == "images"
    assert found.neighbors > found.any_pairs + 0.5
    assert "images correlate by" in agreement_text(found)
    unlabelled = frames_of(tmp_path, folders(labels=None), adapt=[0, 2, 4, 6], test=[1, 3, 5, 7])
    assert agreements(unlabelled, CITYSCAPES, lambda _: "film") == []  # type: ignore[arg-type]


@pytest.mark.parametrize(("neighbors", "any_pairs", "near"), [(0.7, 0.5, True), (0.66, 0.5, False), (1.0, 1.0, False)])
def test_the_threshold_is_a_third_of_the_way_to_equal_frames(neighbors: float, any_pairs: float, near: bool) -> None:
    one = SplitAgreement(splits=("source", "val"), by="labels", neighbors=neighbors, any_pairs=any_pairs)
    assert is_near(one) is near
    assert "frames of val are near-duplicates of frames of source (labels of the nearest frames" in near_text(one)


def checked(root: Path, domain: str, capsys: pytest.CaptureFixture[str]) -> tuple[DataCheck, str]:
    file = root / "run.yaml"
    file.write_text(SETTINGS.format(root=root, domain=domain), encoding="utf-8")
    assert main(["check", str(file)]) == 0
    said = capsys.readouterr().out
    assert main(["check", "--json", str(file)]) == 0
    return DataCheck.model_validate(json.loads(capsys.readouterr().out)[str(file)]), said


def test_a_film_that_is_cut_short_is_noted_with_its_line_and_one_with_a_gap_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_film(tmp_path)
    near, said = checked(tmp_path, f"{IMAGES}, shares: [0.93, 0, 0, 0.07]}}", capsys)
    (note,) = near.notes
    assert note.path == ("data", "domains", "film")
    assert "frames of test are near-duplicates of frames of source" in note.text
    assert f"note: {tmp_path / 'run.yaml'}:7: data.domains.film: " in said
    assert "domain film, test beside source: labels of the nearest frames agree on" in said

    far, _ = checked(tmp_path, f"{IMAGES}, shares: [0.93, 0, 0, 0.07], gap: 20}}", capsys)
    assert far.notes == []
    (measured,) = far.domains["film"].agreements
    assert measured.neighbors < near.domains["film"].agreements[0].neighbors


def test_the_published_clip_of_camvid_is_noted_and_shares_with_a_gap_are_not(
    camvid: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = f"{{dataset: camvid, root: {camvid}, sequences: [0016E5]"
    published, _ = checked(tmp_path, f"{day}}}", capsys)
    assert ["frames of test are near-duplicates of frames of source" in one.text for one in published.notes] == [True]
    apart, _ = checked(tmp_path, f"{day}, shares: [0.7, 0, 0.15, 0.15], gap: 150}}", capsys)
    assert apart.notes == []
    assert apart.domains["film"].frames["test"] == 15
