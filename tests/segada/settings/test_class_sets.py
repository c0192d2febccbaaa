"""Sets of classes: published ones, given ones, and refusals."""

import json
from pathlib import Path
from typing import Any

import pytest

from segada.errors import InputError
from segada.settings import RunSettings
from segada.settings.class_sets import CLASS_SETS, ClassSet, generated_color
from segada.settings.files import load_run_settings


def of(value: Any) -> ClassSet:
    return RunSettings.model_validate({"data": {"classes": value}}).data.classes


@pytest.mark.parametrize(
    ("name", "count", "first", "last"),
    [
        ("cityscapes", 19, "road", "bicycle"),
        ("camvid", 11, "Sky", "Bicyclist"),
        ("voc", 21, "background", "tvmonitor"),
        ("ade20k", 150, "wall", "flag"),
    ],
)
def test_published_sets(name: str, count: int, first: str, last: str) -> None:
    classes = of(name)
    assert (len(classes), classes.names[0], classes.names[-1]) == (count, first, last)
    assert len(set(classes.palette())) == count
    assert CLASS_SETS[name] == classes


def test_a_published_set_is_written_by_its_name_and_any_other_by_its_content() -> None:
    settings = RunSettings.model_validate({"data": {"classes": "voc"}})
    assert settings.model_dump(mode="json")["data"]["classes"] == "voc"
    own = RunSettings.model_validate({"data": {"classes": ["background", "crack"]}})
    written = own.model_dump(mode="json")
    assert written["data"]["classes"]["names"] == ["background", "crack"]
    assert RunSettings.model_validate(written) == own
    assert settings.settings_hash() != own.settings_hash() != RunSettings().settings_hash()


def test_colors_of_voc_follow_its_formula() -> None:
    # From the VOC 2012 development kit: background, aeroplane, bicycle, bird, cat, tvmonitor.
    assert [generated_color(number) for number in (0, 1, 2, 3, 8, 20)] == [
        (0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (64, 0, 0), (0, 64, 128),
    ]  # fmt: skip
    assert len({generated_color(number) for number in range(256)}) == 256


@pytest.mark.parametrize("name", ["classes.yaml", "classes.json"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_set_can_be_a_file(tmp_path: Path, name: str, whole: bool) -> None:
    content: Any = {"names": ["a", "b"], "things": ["b"]} if whole else ["a", "b"]
    (tmp_path / name).write_text(json.dumps(content))
    assert of(str(tmp_path / name)).names == ("a", "b")


@pytest.mark.parametrize("count", [1, 2, 255])
def test_one_to_255_classes(count: int) -> None:
    assert (
        len(
            of(
                [f"class {number}" for number in range(count)]
                if count < 255
                else {"names": [str(number) + "x" for number in range(255)], "ignored_ids": []}
            )
        )
        == count
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("cityscape", r"there is no set of classes 'cityscape', .* ends with .*; did you mean cityscapes\?"),
        ("none.yaml", r"there is no file none.yaml"),
        (["a", "a"], r"names has 'a' twice"),
        (["ignore"], r"names has 'ignore', which means no class"),
        ({"names": ["a", "b"], "colors": [[1, 2, 3]]}, r"colors has 1 entries for 2 names"),
        ({"names": ["a"], "colors": [[1, 2, 300]]}, r"data.classes.colors"),
        ({"names": ["a"], "things": ["b"]}, r"things has 'b', which is not among names"),
        ({"names": ["a", "b"], "ignored_ids": [1]}, r"ignored_ids has 1, which is the id of the class 'b'"),
        ({"names": []}, r"data.classes.names"),
        ([str(number) + "x" for number in range(256)], r"data.classes: list should have at most 255 items"),
        (7, r"data.classes"),
    ],
)
def test_refusals_name_the_value(tmp_path: Path, value: Any, said: str) -> None:
    (tmp_path / "run.yaml").write_text(json.dumps({"data": {"classes": value}}))
    with pytest.raises(InputError, match=said):
        load_run_settings(str(tmp_path / "run.yaml"))


def test_things_are_wanted_only_where_the_set_has_some() -> None:
    method = {"name": "dacs", "source_fdist_lambda": 0.1}
    with pytest.raises(ValueError, match=r"data.classes names no things; name them in data.classes.things, or"):
        RunSettings.model_validate({"data": {"classes": ["a", "b"]}, "method": method})
    things = {"names": ["a", "b"], "things": ["b"]}
    RunSettings.model_validate({"data": {"classes": things}, "method": method})
    RunSettings.model_validate({"data": {"classes": ["a", "b"]}, "method": {**method, "fdist_classes": "all"}})


def test_class_weights_name_classes_of_the_run() -> None:
    known = {"data": {"classes": ["film", "glass"]}, "method": {"name": "dacs", "class_weights": {"glass": 4.0}}}
    sources = {"data": {"domains": {"a": {"dataset": "coco", "annotations": "a.json"}}}, "stream": {"source": "a"}}
    tree = {**known, "stream": {"source": "a", "visits": ["a"]}}
    tree["data"] = {**known["data"], **sources["data"]}
    assert RunSettings.model_validate(tree).method.class_weights == {"glass": 4.0}
    tree["method"] = {"name": "supervised", "class_weights": {"glas": 4.0}}
    with pytest.raises(
        ValueError, match=r"class_weights names 'glas', which is not in data.classes; did you mean glass"
    ):
        RunSettings.model_validate(tree)
