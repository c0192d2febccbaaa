"""Tests of a preset in the fixed settings of a study, with adapters and image adapters in its space."""

from pathlib import Path

import numpy as np
import pytest

from hpo.config.study_file import load_study
from hpo.search_space.configuration import Configuration
from segada.errors import InputError
from segada.settings import RunSettings

STUDY = """\
name: tiny
run:
  preset: adpt3
  model: {checkpoint: null, encoder: mit_b1}
  evaluation: {split: val}
space:
  adapter.bottleneck: {type: int, low: 2, high: 8}
  adapter.blocks: {type: choice, choices: [all, first, every2, 0.5-1]}
  image_adapter.heads: {type: choice, choices: [5, 10]}
sampler: {name: random}
budget: {trials: 3}
"""


def write(folder: Path, text: str = STUDY) -> str:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_space_sees_the_kinds_of_the_preset(tmp_path: Path) -> None:
    study = load_study(write(tmp_path))
    fixed = RunSettings.model_validate({"preset": "adpt3", "model": {"checkpoint": None, "encoder": "mit_b1"}})
    assert study.run_settings().adapter == fixed.adapter
    assert study.run_settings().image_adapter == fixed.image_adapter
    assert study.run_settings().model == fixed.model
    generator = np.random.default_rng(0)
    for _ in range(20):
        configuration = study.space.draw(generator)
        settings = study.run_settings(configuration)
        adapter, prompt = settings.adapter.model_dump(), settings.image_adapter.model_dump()
        assert adapter["name"] == "adaptformer"
        assert adapter["stages"] == (0, 1, 2, 3)
        assert adapter["bottleneck"] == configuration.values["adapter.bottleneck"]
        assert adapter["blocks"] == configuration.values["adapter.blocks"]
        assert (prompt["name"], prompt["heads"]) == ("vit_adapter", configuration.values["image_adapter.heads"])


def test_a_resolved_study_says_what_the_preset_stands_for(tmp_path: Path) -> None:
    study = load_study(write(tmp_path))
    run = study.resolved()["run"]
    assert isinstance(run, dict)
    assert run["preset"] is None
    assert RunSettings.model_validate(run) == study.run_settings()
    explicit = write(
        tmp_path,
        STUDY.replace(
            "adpt3\n",
            "null\n  adapter: {name: adaptformer, bottleneck: 5, stages: "
            "[0, 1, 2, 3]}\n  image_adapter: {name: vit_adapter}\n",
        ).replace("encoder: mit_b1}", "encoder: mit_b1, freeze: encoder}"),
    )
    assert load_study(explicit).fingerprint() == study.fingerprint()


def test_a_preset_by_option_wins_over_the_file_and_loses_against_other_options(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        STUDY.replace("  preset: adpt3\n", "  adapter: {name: adaptformer, scale: 2.0}\n").replace(
            "  image_adapter.heads: {type: choice, choices: [5, 10]}\n", ""
        ),
    )
    study = load_study(file, {"run.adapter.scale": 3.0, "run.preset": "adpt2"})
    adapter = study.run_settings().adapter.model_dump()
    assert (adapter["scale"], adapter["bottleneck"], adapter["stages"]) == (3.0, 5, (0, 1, 2, 3))


def test_a_preset_can_be_searched(tmp_path: Path) -> None:
    text = STUDY[: STUDY.index("space:")] + "space:\n  preset: {type: choice, choices: [adpt1, adpt2]}\n"
    study = load_study(write(tmp_path, text + STUDY[STUDY.index("sampler:") :]))
    for name, stages in (("adpt1", (0, 1)), ("adpt2", (0, 1, 2, 3))):
        settings = study.run_settings(Configuration({"preset": name}))
        assert settings.adapter.model_dump()["stages"] == stages


def test_the_source_training_can_have_a_preset_of_its_own(tmp_path: Path) -> None:
    text = STUDY + "pretrain: {method: {name: supervised}, preset: adpt1, image_adapter: {name: none}}\n"
    source = load_study(write(tmp_path, text)).pretrain_settings()
    assert source is not None
    assert source.adapter.model_dump()["stages"] == (0, 1)
    assert source.image_adapter.name == "none"


def test_the_source_training_is_not_driven_in_rounds_as_the_trials_are(tmp_path: Path) -> None:
    text = STUDY + "pretrain: {method: {name: supervised}, stream: {visits: [night]}}\n"
    study = load_study(write(tmp_path, text), {"run.stream.rounds": 4})
    source = study.pretrain_settings()
    assert source is not None
    assert source.stream.all_visits() == ("night",)
    assert len(study.run_settings().stream.all_visits()) == 4 * len(study.run_settings().stream.visits)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("adpt3", "adpt9", "3: run.preset: should be 'adpt1', 'adpt2', 'adpt3', 'adpt7' or 'adpt8', not 'adpt9'"),
        (
            "adpt3",
            "adpt2",
            "9: space.image_adapter.heads: exists only where image_adapter.name is vit_adapter, but it can be none",
        ),
        ("0.5-1]", "half]", "8: space.adapter.blocks.choices.3: should be all, first, last, every2 (or another"),
        ("[5, 10]", "[5, 6]", "6: space: allows a combination that cannot run (adapter.bottleneck="),
    ],
)
def test_what_does_not_go_with_a_preset_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(InputError) as refusal:
        load_study(write(tmp_path, STUDY.replace(old, new, 1)))
    assert str(refusal.value).startswith(f"{tmp_path}/study.yaml:{said}")
    assert "\n" not in str(refusal.value)


def test_what_a_space_refuses_says_the_heads_that_fit(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"image_adapter\.heads is 6, but stage 2 of mit_b1 is 320 wide; choose one of 1, 2"
    ):
        load_study(write(tmp_path, STUDY.replace("[5, 10]", "[5, 6]")))
