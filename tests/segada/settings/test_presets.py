"""Presets from every place where they can be named, and errors of adapter settings."""

import sys
from pathlib import Path
from typing import get_args

import pytest
import torch

from segada import adapt
from segada.engine.run_data import run_data_key
from segada.errors import InputError
from segada.models.build import build_segmentor
from segada.settings import RunSettings
from segada.settings.files import load_run_settings
from segada.settings.presets import PRESETS, PresetName, spelled_out

EXPLICIT: dict[str, dict[str, object]] = {
    "adpt1": {
        "model": {"freeze": "encoder"},
        "adapter": {"name": "adaptformer", "bottleneck": 5, "stages": [0, 1]},
    },
    "adpt2": {
        "model": {"freeze": "encoder"},
        "adapter": {"name": "adaptformer", "bottleneck": 5, "stages": [0, 1, 2, 3]},
    },
    "adpt3": {
        "model": {"freeze": "encoder"},
        "adapter": {"name": "adaptformer", "bottleneck": 5, "stages": [0, 1, 2, 3]},
        "image_adapter": {"name": "vit_adapter", "stage": 2},
    },
    "adpt7": {
        "model": {"freeze": "encoder", "head_width": 768},
        "adapter": {"name": "adaptformer", "bottleneck": 5, "stages": [0, 1, 2, 3]},
        "image_adapter": {"name": "vit_adapter", "stage": 2, "feeds_head": True},
    },
    "adpt8": {
        "model": {"freeze": "encoder", "head_width": 256},
        "adapter": {"name": "adaptformer", "bottleneck": 5, "stages": [0, 1, 2, 3]},
        "image_adapter": {"name": "vit_adapter", "stage": 2, "feeds_head": True},
    },
}


def write(folder: Path, text: str) -> str:
    path = folder / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_names_are_those_of_the_table() -> None:
    assert set(get_args(PresetName)) == set(PRESETS) == set(EXPLICIT)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_its_explicit_form(name: str) -> None:
    short, explicit = RunSettings.model_validate({"preset": name}), RunSettings.model_validate(EXPLICIT[name])
    assert short == explicit
    assert short.settings_hash() == explicit.settings_hash() != RunSettings().settings_hash()
    dumped = short.model_dump(mode="json")
    assert dumped["preset"] is None
    assert RunSettings.model_validate(dumped).model_dump(mode="json") == dumped


def test_what_is_looked_at_is_no_part_of_what_a_run_is() -> None:
    watched = RunSettings.model_validate({"logging": {"frames": True, "class_tables": 8}})
    assert watched.without_logging() == RunSettings() != watched
    assert watched.settings_hash() == RunSettings().settings_hash() != RunSettings(seed=1).settings_hash()


def test_how_frames_are_loaded_is_no_part_of_what_a_run_is() -> None:
    loaded = RunSettings.model_validate({"data": {"loading": {"workers": 3}}})
    assert loaded.settings_hash() == RunSettings().settings_hash()
    assert run_data_key(loaded) == run_data_key(RunSettings())


def test_values_beside_a_preset_win() -> None:
    settings = RunSettings.model_validate(
        {"preset": "adpt3", "adapter": {"bottleneck": 8}, "image_adapter": {"name": "none"}}
    )
    adapter = settings.adapter.model_dump()
    assert (adapter["name"], adapter["bottleneck"], adapter["stages"]) == ("adaptformer", 8, (0, 1, 2, 3))
    assert settings.image_adapter.name == "none"
    other = RunSettings.model_validate({"preset": "adpt2", "adapter": {"name": "lora", "rank": 2}})
    assert other.adapter.model_dump()["stages"] == (0, 1)
    assert other.model.freeze == "encoder"


def test_a_preset_in_a_file_and_by_option(tmp_path: Path) -> None:
    adpt3 = RunSettings.model_validate({"preset": "adpt3"})
    file = write(tmp_path, "preset: adpt3\nadapter: {bottleneck: 7}\n")
    assert load_run_settings(file).adapter.model_dump()["bottleneck"] == 7
    # What is given by option wins over the file, also where the file spells everything out.
    assert load_run_settings(file, {"preset": "adpt3"}) == adpt3
    explicit = write(
        tmp_path, "adapter: {name: none}\nimage_adapter: {name: none}\nmodel: {freeze: nothing}\npreset: null\n"
    )
    assert load_run_settings(explicit, {"preset": "adpt3"}) == adpt3
    both = load_run_settings(explicit, {"adapter.bottleneck": 9, "preset": "adpt1"})
    assert both == RunSettings.model_validate({"preset": "adpt1", "adapter": {"bottleneck": 9}})
    assert load_run_settings(write(tmp_path, "preset: adpt1"), {"preset": None}) == RunSettings()


def test_a_preset_of_another_section_is_left_to_its_owner() -> None:
    assert spelled_out({"seed": 1, "preset": "adpt9"}) == {"seed": 1, "preset": "adpt9"}
    spelled = spelled_out({"run": {"preset": "adpt1", "seed": 3}})
    assert spelled == {"run": {**PRESETS["adpt1"], "seed": 3, "preset": None}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seed: 1\npreset: adpt9", "2: preset: should be 'adpt1', 'adpt2', 'adpt3', 'adpt7' or 'adpt8', not 'adpt9'"),
        ("preset: [adpt1]", "1: preset: should be 'adpt1'"),
        ("preset: adpt1\nadapter:\n  bottle: 3", "3: adapter.bottle: there is no such key"),
        (
            "adapter:\n  name: lora\n  rank: 40",
            "3: adapter.rank: is 40, but stage 0 of mit_tiny is 16 wide; choose at most 16, or other stages",
        ),
        (
            "model: {checkpoint: null, encoder: mit_b1}\nimage_adapter:\n  name: vit_adapter\n  heads: 6",
            (
                "4: image_adapter.heads: is 6, but stage 2 of mit_b1 is 320 wide; choose one of 1, 2, 4, 5, 8, 10, 16, "
                "20, 32, 40"
            ),
        ),
        (
            "image_adapter:\n  name: high_frequency\n  reduction: 17\n  stages: [1]",
            "3: image_adapter.reduction: is 17, but stage 0 of mit_tiny is 16 wide; choose at most 16",
        ),
        (
            "image_adapter:\n  name: visual_prompt\n  stem_width: 2",
            "1: image_adapter: image_adapter.reduction is 4, but image_adapter.stem_width is 2; choose at most 2",
        ),
        (
            "image_adapter:\n  name: vit_adapter\n  inject: false",
            "3: image_adapter.inject: is false, but image_adapter.feeds_head is false too",
        ),
        (
            "adapter:\n  name: vida\n  high_rank: 4\n  low_rank: 8",
            "4: adapter.low_rank: is 8, but adapter.high_rank is 4; swap them",
        ),
        (
            "adapter:\n  name: vida\n  low_rank: 20",
            "3: adapter.low_rank: is 20, but stage 0 of mit_tiny is 16 wide",
        ),
        (
            "adapter:\n  name: lora\n  stages: [0, 1, 2]\n  blocks: [all, first]",
            "4: adapter.blocks: has 2 patterns, but adapter.stages names 3 stages; give one pattern for all, or one",
        ),
        ("adapter:\n  name: lora\n  stages: [2, 2]", "3: adapter.stages: should name each stage once, not [2, 2]"),
        (
            "adapter:\n  name: lora\n  blocks: half",
            "3: adapter.blocks: should be all, first, last, every2 (or another number) or a window such as 0.5-1, not",
        ),
        (
            "adapter:\n  name: lora\n  blocks:\n  - all\n  - .9-.1",
            "5: adapter.blocks.1: should be a window that rises, such as 0.5-1, not '.9-.1'",
        ),
        ("adapter:\n  name: lora\n  blocks: 2", "3: adapter.blocks: should be a valid string, not 2"),
        ("adapter: {name: lora, targets: [q, v]}", "1: adapter.targets.1: should be 'q', 'kv' or 'proj', not 'v'"),
        (
            "image_adapter: {name: cvp}",
            "1: image_adapter.name: there is no 'cvp'; choose from none, vit_adapter, visual_prompt",
        ),
    ],
)
def test_refusals_are_one_line_with_file_line_path_and_cure(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(InputError) as refusal:
        load_run_settings(write(tmp_path, text))
    message = str(refusal.value)
    assert message.startswith(f"{tmp_path}/run.yaml:{expected}")
    assert "\n" not in message
    assert "more)" not in message


@pytest.mark.parametrize("name", ["adpt7", "adpt8"])
def test_a_head_of_another_width_than_the_checkpoint_is_refused_with_the_cure(name: str) -> None:
    settings = RunSettings.model_validate({"preset": name})
    width = settings.model.head_width
    said = rf"model\.head_width 64, but the settings ask for {width}.* set model\.head_width to 64"
    with pytest.raises(ValueError, match=said):
        build_segmentor(settings.model, settings.adapter, torch.Generator(), settings.image_adapter)
    fresh = settings.model.model_copy(update={"reinitialize": ("head",)})
    built = build_segmentor(fresh, settings.adapter, torch.Generator(), settings.image_adapter)
    assert built.shape.width == width


def test_a_run_with_a_preset_by_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_run: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = write(tmp_path, RunSettings.model_validate(tiny_run).model_dump_json())
    arguments = ["--set", "preset=adpt3", "--set", "image_adapter.stem_width=4", "--set", "stream.visits=[clear]"]
    monkeypatch.setattr(sys, "argv", ["adapt", file, "--out", "run", *arguments])
    assert adapt.main() == 0
    written = load_run_settings(tmp_path / "run" / "settings.yaml")
    assert written.image_adapter.model_dump()["stem_width"] == 4
    assert written.adapter.name == "adaptformer"
    assert "results in run" in capsys.readouterr().out
