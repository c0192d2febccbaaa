"""Tests of study files: shipped ones are valid, and invalid ones are refused before anything starts."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from hpo.config.document import shipped_studies
from hpo.config.study_file import load_study
from segada.errors import InputError

HERE = Path(__file__).parent
GOOD = (HERE / "good_study.yaml").read_text(encoding="utf-8")
BAD = sorted((HERE / "bad_studies").glob("*.yaml"))
"""Wrong study files; each ends with a comment that says the error, from the file's name on, that must follow."""


def write(folder: Path, text: str = GOOD) -> str:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_folder_of_wrong_files_is_no_small_one() -> None:
    assert len(BAD) >= 100
    load_study(str(HERE / "good_study.yaml"))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_refusals_name_file_line_path_and_cure(path: Path) -> None:
    *_, last = path.read_text(encoding="utf-8").splitlines()
    with pytest.raises(InputError) as refusal:
        load_study(str(path))
    message = str(refusal.value)
    assert message.replace(f"{path.parent}/", "").startswith(last.removeprefix("# error: "))
    assert "\n" not in message


def test_an_override_is_checked_like_the_file(tmp_path: Path) -> None:
    file = write(tmp_path)
    assert load_study(file, {"budget.trials": 9}).settings.budget.trials == 9
    with pytest.raises(
        InputError, match=r"study\.yaml \(--set\): budget\.trials: should be greater than or equal to 1"
    ):
        load_study(file, {"budget.trials": 0})


def test_a_name_that_nothing_has_is_answered_with_those_that_exist() -> None:
    with pytest.raises(InputError, match=r"ga_dax: no such file.*did you mean ga_dacs\.yaml"):
        load_study("ga_dax")
    with pytest.raises(InputError, match=r"no such file.*shipped are .*ga_camvid\.yaml, ga_dacs\.yaml"):
        load_study("some/where.yaml")


def test_a_file_at_hand_wins_over_a_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "smoke.yaml").write_text(GOOD, encoding="utf-8")
    assert load_study("smoke.yaml").settings.name == "tiny"
    assert load_study("smoke").settings.name == "smoke"


@pytest.fixture
def camvid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder for the photographs: whether they are in it is not the study file's business."""
    monkeypatch.setenv("SEGADA_CAMVID", str(tmp_path))


@pytest.mark.usefixtures("camvid")
@pytest.mark.parametrize("name", shipped_studies())
def test_shipped_studies_are_right_and_begin_with_their_defaults(name: str) -> None:
    study = load_study(name)
    assert study.settings.name == name.removesuffix(".yaml")
    assert study.run_settings().evaluation.split == "val"
    assert study.space.defaults() is not None
    generator = np.random.default_rng(1)
    for _ in range(200):
        study.run_settings(study.space.draw(generator))


@pytest.mark.usefixtures("camvid")
@pytest.mark.parametrize("name", shipped_studies())
def test_a_resolved_study_is_the_same_study(name: str, tmp_path: Path) -> None:
    study = load_study(name)
    resolved = tmp_path / "resolved.yaml"
    resolved.write_text(yaml.safe_dump(study.resolved(), sort_keys=False), encoding="utf-8")
    again = load_study(str(resolved))
    assert again.identity == study.identity
    assert again.fingerprint() == study.fingerprint()
    assert again.settings.sampler == study.settings.sampler


def test_the_two_dacs_studies_differ_by_their_sampler_alone() -> None:
    genetic, tpe = load_study("ga_dacs"), load_study("tpe_dacs")
    assert genetic.fingerprint() == tpe.fingerprint()
    assert genetic.settings.budget == tpe.settings.budget
    assert genetic.settings.pruning == tpe.settings.pruning


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (("trials: 3", "trials: 30"), True),
        (("name: random", "name: tpe"), True),
        (("min_visits: 2", "min_visits: 1"), True),
        (("budget:", "confirm: {top: 1}\nresources: {workers: 2}\ntracking: {mode: offline}\nbudget:"), True),
        (("visits: [clear, 25mm, 50mm]", "visits: [clear, 25mm, 100mm]"), False),
        (("high: 1e-1", "high: 1e-2"), False),
        (("budget:", "objectives: [{metric: gain, goal: maximize}]\nbudget:"), False),
        (("space:", "pretrain: {method: {name: supervised}}\nspace:"), False),
    ],
)
def test_the_fingerprint_is_of_what_makes_trials_comparable(
    tmp_path: Path, change: tuple[str, str], *, same: bool
) -> None:
    before = load_study(write(tmp_path)).fingerprint()
    after = load_study(write(tmp_path, GOOD.replace(*change, 1))).fingerprint()
    assert (before == after) is same


def test_a_configuration_that_names_another_kind_replaces_the_room(tmp_path: Path) -> None:
    text = GOOD.replace("  evaluation:", "  adapter: {name: adaptformer, bottleneck: 5}\n  evaluation:")
    study = load_study(write(tmp_path, text))
    generator = np.random.default_rng(0)
    for configuration in (study.space.draw(generator) for _ in range(20)):
        adapter = study.run_settings(configuration).adapter
        assert adapter.name == configuration.values["adapter.name"]
        assert adapter.name == "none" or adapter.bottleneck == 5


def test_overrides_of_the_driver_win(tmp_path: Path) -> None:
    study = load_study(write(tmp_path))
    settings = study.run_settings(None, {"seed": 7, "method": {"name": "source_only"}, "model": {"checkpoint": "a.st"}})
    assert (settings.seed, settings.method.name, settings.model.checkpoint) == (7, "source_only", "a.st")
