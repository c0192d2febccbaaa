"""Pairs of images and labels: a frame has the labels of its own key, or none."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from published_trees import TREES

from segada.data.datasets.camvid import CAMVID
from segada.data.datasets.foggy_cityscapes import FOGGY_CITYSCAPES
from segada.data.datasets.folders import FOLDERS
from segada.data.datasets.frame_files import Listing
from segada.data.datasets.label_maps import TRAIN_IDS
from segada.data.datasets.left_out import HIDDEN, REPEATED, UNMATCHED, WITHOUT_IMAGE
from segada.data.datasets.pairing import LabelKind, Place
from segada.data.datasets.rainy_cityscapes import RAINY_CITYSCAPES
from segada.data.datasets.registry import count_frames, listed_frames
from segada.errors import InputError
from segada.settings.camvid import CamVidDomain
from segada.settings.data import DataSettings
from segada.settings.domains import FoldersDomain

ALL = (0.0, 0.0, 0.0, 1.0)
NAMES = st.sets(
    st.sampled_from(["a", "a_", "_a", "_", "-", "-_", "a_b", "a_b_c", "1", "01", "²", ".-", "A"]), max_size=6
)


def touch(root: Path, names: Iterable[str]) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def listing(root: Path, images: str, labels: str) -> Listing:
    domain = FoldersDomain(dataset="folders", images=images, labels=labels, shares=ALL)
    return FOLDERS.listing(domain, root, "test")


def pairs(listing: Listing) -> list[tuple[str, str]]:
    return [(f"{files.image.parent.name}/{files.image.stem}", files.labels.stem) for files in listing.frames]


@given(images=NAMES, labels=NAMES, wildcards=st.sampled_from(["*", "*_*", "**/*", "**/*_*"]))
@example(images={"a_", "_a"}, labels={"a_"}, wildcards="*_*")
def test_a_frame_is_labelled_if_a_label_file_has_its_key(images: set[str], labels: set[str], wildcards: str) -> None:
    visible, there = (
        {name for name in names if not name.startswith(".") and ("_" in name or "_" not in wildcards)}
        for names in (images, labels)
    )
    with TemporaryDirectory() as folder:
        root = touch(Path(folder), [f"rgb/{name}.png" for name in images] + [f"ids/{name}.png" for name in labels])
        if not visible or not there:
            return

        found = listing(root, f"rgb/{wildcards}.png", f"ids/{wildcards}.png")

    assert {files.image.stem for files in found.frames} == visible
    assert all(files.labels.stem == files.image.stem for files in found.frames)
    assert {files.image.stem for files in found.unlabelled} == visible - there
    assert {path.stem for path in found.without_image} == there - visible


@pytest.mark.parametrize("missing", ["0_right", "1_right"])
def test_the_other_camera_does_not_take_the_labels(tmp_path: Path, missing: str) -> None:
    touch(tmp_path, [f"rgb/{number}_{side}.png" for number in range(2) for side in ("left", "right")])
    touch(tmp_path, [f"ids/{number}_left.png" for number in range(2)])
    domain = FoldersDomain(dataset="folders", images="rgb/*_*.png", labels="ids/*_*.png", shares=ALL)
    data = DataSettings(size=(32, 64), root=str(tmp_path), domains={"it": domain})

    with pytest.raises(InputError, match=r"no labels .*/ids/0_right\.png for .*/rgb/0_right\.png and 1 more"):
        count_frames("it", data, "test")
    assert f"ids/{missing}.png" in {
        f"ids/{path.name}" for path in listing(tmp_path, "rgb/*_*.png", "ids/*_*.png").missing
    }


def test_a_name_made_for_a_message_is_no_pair(tmp_path: Path) -> None:
    touch(tmp_path, ["rgb/0_left.png", "rgb/0_right.png", "ids/0.png"])
    place = Place(tmp_path / "rgb", "*_*.png", tmp_path / "ids", (LabelKind("*.png", TRAIN_IDS),))

    found = place.listing(list)

    assert {files.name for files in found.unlabelled} == {"0/left", "0/right"}
    assert found.without_image == (tmp_path / "ids" / "0.png",)


def test_images_of_several_formats_are_paired_with_one_kind_of_labels(tmp_path: Path) -> None:
    touch(tmp_path, ["rgb/0.jpg", "rgb/1.JPEG", "rgb/2.png", "rgb/notes.txt", "ids/0.png", "ids/1.png", "ids/2.PNG"])

    found = listing(tmp_path, "rgb/*.*", "ids/*.png")

    assert pairs(found) == [("rgb/0", "0"), ("rgb/1", "1"), ("rgb/2", "2")]
    assert (found.unlabelled, found.left_out) == ((), {})


def test_two_images_of_a_frame_are_refused_with_their_names(tmp_path: Path) -> None:
    touch(tmp_path, ["rgb/0.jpg", "rgb/0.png", "ids/0.png"])
    domain = FoldersDomain(dataset="folders", images="rgb/*.*", labels="ids/*.png", shares=ALL)
    data = DataSettings(size=(32, 64), root=str(tmp_path), domains={"it": domain})

    with pytest.raises(
        InputError, match=r"domain 'it': files that rgb/\*\.\* cannot tell apart: .*0\.jpg and .*0\.png"
    ):
        count_frames("it", data, "test")


def test_a_drive_that_is_linked_beside_itself_serves_once(tmp_path: Path) -> None:
    touch(
        tmp_path, [f"{drive}/{kind}/{number}.png" for drive in "ab" for kind in ("rgb", "ids") for number in range(2)]
    )
    (tmp_path / "_latest").symlink_to("b")

    for wildcards in ("*/rgb/*.png", "**/rgb/*.png"):
        found = listing(tmp_path, wildcards, wildcards.replace("rgb", "ids"))
        assert [files.name for files in found.frames] == ["a/0", "a/1", "b/0", "b/1"]
        assert found.left_out == {REPEATED: (tmp_path / "_latest" / "rgb",)}


def test_two_renderings_share_labels_by_links(tmp_path: Path) -> None:
    touch(tmp_path, ["clear/rgb/0.png", "fog/rgb/0.png", "clear/ids/0.png"])
    (tmp_path / "fog" / "ids").symlink_to("../clear/ids")

    found = listing(tmp_path, "*/rgb/*.png", "*/ids/*.png")

    assert [files.name for files in found.frames] == ["clear/0", "fog/0"]
    assert (found.unlabelled, found.left_out) == ((), {})


def test_what_a_domain_leaves_out_is_listed(tmp_path: Path) -> None:
    touch(tmp_path, ["rgb/0.png", "rgb/1.png", "rgb/2.jpg", "rgb/._0.png", "ids/0.png", "ids/1.png", "ids/3.png"])

    assert listing(tmp_path, "rgb/*.png", "ids/*.png").left_out == {
        HIDDEN: (tmp_path / "rgb/._0.png",),
        UNMATCHED: (tmp_path / "rgb/2.jpg",),
        WITHOUT_IMAGE: (tmp_path / "ids/3.png",),
    }


def test_pictures_published_beside_the_labels_are_not_left_out(tmp_path: Path) -> None:
    for name in ("cityscapes", "acdc", "shift", "gta5", "foggy_cityscapes"):
        domain = TREES[name](tmp_path / name)
        data = DataSettings(size=(32, 64), root=str(tmp_path / name), domains={"it": domain})
        touch(tmp_path / "cityscapes", ["gtFine/train/aachen/aachen_000000_000019_gtFine_color.png"])
        touch(tmp_path / "acdc", ["gt/fog/train/GOPR0475/GOPR0475_frame_000000_gt_labelColor.png"])

        assert listed_frames("it", data, "source").left_out == {}


def test_suffixes_of_camvid_may_differ(tmp_path: Path) -> None:
    names = [f"D_{number}" for number in range(4)]
    touch(tmp_path, [f"{part}/{name}.PNG" for part in ("train", "val") for name in names])
    touch(tmp_path, [f"{part}annot/{name}.png" for part in ("train", "val") for name in names])
    (tmp_path / "trainannot" / "D_3.png").unlink()
    touch(tmp_path, ["valannot/D_9.png"])

    found = CAMVID.listing(CamVidDomain(dataset="camvid"), tmp_path, "source")

    assert pairs(found) == [(f"train/{name}", name) for name in names]
    assert found.missing == (tmp_path / "trainannot" / "D_3.png",)
    assert found.without_image == (tmp_path / "valannot" / "D_9.png",)


def test_amounts_with_strange_digits_are_not_recognized(tmp_path: Path) -> None:
    names = ["train/rain/²mm", "train/rain/१mm", "train/rain/050mm", "train/rain/50mm", "train/rain/xmm"]
    names += ["train/fog/²m", "train/fog/75m", "val/fog/150m"]
    touch(tmp_path, [f"leftImg8bit/{name}/city/f_leftImg8bit.png" for name in names])
    betas = ("0.01", "0.01 (copy)", "²")
    touch(tmp_path, [f"leftImg8bit_foggy/train/c/f_leftImg8bit_foggy_beta_{beta}.png" for beta in betas])

    assert list(RAINY_CITYSCAPES.recognize(tmp_path)) == ["50mm"]
    assert list(FOGGY_CITYSCAPES.recognize(tmp_path)) == ["fog150m", "fog75m", "fog_beta_0.01"]
