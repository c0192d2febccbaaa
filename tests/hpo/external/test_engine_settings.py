"""What is refused in a study with an external engine, each in one line with its place."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from external_studies import tree

from hpo.config.program_study import ProgramStudy
from hpo.config.study_file import load_study
from hpo.tracking.sweep_export import sweep_of
from segada.errors import InputError

COMMAND = ["python", "p.py", "{settings}", "{folder}", "{seed}", "{split}"]


def refusal(folder: Path, engine: dict[str, Any] | None = None, **sections: Any) -> str:
    """Returns the error of a study without the path of its file."""
    with pytest.raises(InputError) as refused:
        written(folder, engine, **sections)
    assert "\n" not in str(refused.value)
    return re.sub(r".*study.yaml:\d+: ", "", str(refused.value))


def written(folder: Path, engine: dict[str, Any] | None = None, **sections: Any) -> ProgramStudy:
    """Writes a study to a file and reads it."""
    (folder / "study.yaml").write_text(yaml.safe_dump(tree(engine, **sections)))
    file = load_study(folder / "study.yaml")
    assert isinstance(file, ProgramStudy)
    return file


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ({"command": []}, "engine: needs one of command and function"),
        ({"function": "a:b"}, "engine: needs one of command and function"),
        ({"command": ["p", "{folder}", "{seed}"]}, "engine.command: has no {settings}, so that all trials"),
        ({"command": ["p", "{settings}", "{seed}"]}, "engine.command: has no {folder}, where a run leaves"),
        ({"command": ["p", "{settings}", "{folder}"]}, "engine.command: has no {seed}, by which the confirmation"),
        ({"command": [*COMMAND, "{fodler}"]}, "engine.command: has the unknown placeholder {fodler}"),
        ({"command": [*COMMAND, "a{resume}"]}, "engine.command: has 'a{resume}', but {resume} stands for any number"),
        ({"env": {"A": "{resume}"}}, "engine.env: has '{resume}', but {resume} stands for any number"),
        (
            {"settings": "flags", "command": ["p", "{folder}", "{seed}"], "env": {"A": "{settings}"}},
            "engine.env: has '{settings}'",
        ),
        ({"command": [], "function": "a:b", "prefix": "V"}, "engine.prefix: is for visits that a command prints"),
        ({"env": {"WANDB_API_KEY": "s3"}}, "engine.env: has WANDB_API_KEY, a secret by its name"),
        ({"env": {"PGPASSWORD": "s3"}}, "engine.env: has PGPASSWORD, a secret by its name"),
        ({"visits": []}, "engine.visits: "),
        ({"silent_hours": 0}, "engine.silent_hours: "),
        ({"defaults": "absent.yaml"}, "engine.defaults: there is no file"),
    ],
)
def test_an_engine_is_refused_in_a_line(tmp_path: Path, engine: dict[str, Any], said: str) -> None:
    assert refusal(tmp_path, engine).startswith(said)


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"pretrain": {}}, "pretrain: trains a source model of segada"),
        ({"resources": {"gpus_per_trial": "auto"}}, "resources.gpus_per_trial: auto measures segada alone"),
        ({"objectives": [{"metric": "gain", "goal": "maximize"}]}, "objectives.0.metric: is counted from the source"),
        ({"objectives": [{"metric": "miou/snow", "goal": "maximize"}]}, "objectives.0.metric: "),
        ({"pruning": {"name": "paired"}}, "pruning.name: paired compares frames"),
        ({"pruning": {"min_visits": 3}}, "pruning.min_visits: must be below the 3 visits"),
        ({"confirm": {"top": 1, "seeds": 1}}, "confirm.seeds: is 1, but without areas.npz intervals come from"),
        ({"space": {"quality.x": {"type": "bool"}}}, "space.quality.x: lies below quality, which is a value: 0.5"),
    ],
)
def test_sections_that_only_our_engine_understands_are_refused(
    tmp_path: Path, sections: dict[str, Any], said: str
) -> None:
    assert refusal(tmp_path, **sections).startswith(said)


def test_the_best_is_not_chosen_on_the_frames_that_are_reported(tmp_path: Path) -> None:
    command = [word for word in COMMAND if word != "{split}"]
    assert refusal(tmp_path, {"command": command}, confirm={"top": 2, "seeds": 2}).startswith("confirm.top: is 2")
    assert any("on the frames of the search" in one for one in written(tmp_path, {"command": command}).caveats())


def test_paths_are_checked_against_the_defaults_of_the_program(tmp_path: Path) -> None:
    (tmp_path / "defaults.yaml").write_text("{quality: 0.1, model: {depth: 3}}")
    engine = {"defaults": "defaults.yaml"}
    assert written(tmp_path, engine).run_settings().values == {"quality": 0.5, "model": {"depth": 3}}
    said = refusal(tmp_path, engine, space={"qualty": {"type": "bool"}})
    assert said == "space.qualty: no setting of engine.defaults has this path; did you mean quality?"
    assert refusal(tmp_path, engine, run={"model.dept": 1}).startswith("run: no setting of engine.defaults has the")
    assert refusal(tmp_path, {**engine, "baselines": {"a": {"x": 1}}}).startswith("engine.baselines.a: no setting")
    assert refusal(tmp_path, engine, space={"model": {"type": "bool"}}).startswith("space.model: is a group")


def test_defaults_are_seen_from_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "defaults.yaml").write_text("{quality: 0.1}")
    written(tmp_path / "base", {"defaults": "defaults.yaml"})
    (tmp_path / "other.yaml").write_text("{extends: base/study.yaml, budget: {trials: 3}}")
    assert load_study(tmp_path / "other.yaml").settings.run == {"quality": 0.5}


def test_configurations_are_checked_against_a_schema(tmp_path: Path) -> None:
    schema = {"properties": {"quality": {"maximum": 0.85}}}
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    said = refusal(tmp_path, {"json_schema": "schema.json"})
    assert re.fullmatch(
        r"space\.quality: 0\.8\d+ is greater than the maximum of 0\.85 \(engine\.json_schema\)", said
    ), said
    (tmp_path / "schema.json").write_text('{"properties": 3}')
    assert refusal(tmp_path, {"json_schema": "schema.json"}).startswith("engine.json_schema: schema.json is no JSON")


def test_variables_that_only_sound_like_secrets_are_taken(tmp_path: Path) -> None:
    env = {"TOKENIZERS_PARALLELISM": "false", "KEY_FILE": "/etc/key", "MONKEY": "1"}
    assert written(tmp_path, {"env": env}).run_settings().env == env


def test_limits_and_machines_are_not_part_of_the_hash_of_a_run(tmp_path: Path) -> None:
    one, other = (written(tmp_path, engine).run_settings() for engine in ({}, {"hours": 2.0, "grace": 3.0}))
    assert one.settings_hash() == other.settings_hash()
    assert one.settings_hash() != written(tmp_path, {"seed": 1}).run_settings().settings_hash()


def test_a_sweep_of_wandb_does_not_run_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="engine: is an external one, which the agents of a sweep do not run"):
        sweep_of(written(tmp_path), "study.yaml")
