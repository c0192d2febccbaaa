"""Tests of docs/study_file.md: its examples are read as described, and it names every key."""

import re
from pathlib import Path

import pytest

from hpo.config.schema import StudySettings
from hpo.config.study_file import load_study

PAGE = (Path(__file__).parents[3] / "docs" / "study_file.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_it_names_every_key_of_a_study_file() -> None:
    table = set(
        re.findall(r"`(\w+)`", "".join(line.split(" | ")[0] for line in PAGE.splitlines() if line.startswith("| `")))
    )
    assert table == {*StudySettings.model_fields, "extends"}


def test_its_blocks_are_a_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space, conditions, forbidden, start = BLOCKS
    for index, line in enumerate(conditions.strip().splitlines()):
        assert line.strip().startswith("when: ")
        text = space.replace(
            "adapter.name: {type: choice, choices: [none, adaptformer]",
            "adapter.name: {type: choice, choices: [none, adaptformer, lora]",
        )
        text = text.replace("when: {adapter.name: adaptformer}", "when: {adapter.name: [adaptformer, lora]}")
        text += "  method.target_fdist_lambda: {type: float, low: 0.1, high: 1.0, off: 0.0}\n"
        text += f"  stream.rounds: {{type: int, low: 1, high: 2, {line.strip()}}}\n"
        (tmp_path / f"{index}.yaml").write_text(
            f"name: page\nsampler: {{name: random}}\n{text}{forbidden}{start}", encoding="utf-8"
        )
        study = load_study(str(tmp_path / f"{index}.yaml"))
        assert study.space.parameters["stream.rounds"].parents
        assert len(study.settings.start_from) == 4
