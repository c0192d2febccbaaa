"""Settings that name code of the user: classes of its own settings, paths, hash, round trips, refusals with lines."""

import pickle
from pathlib import Path

import pytest
from own_code import FILE, named, placed
from pydantic import ValidationError

from segada.artifacts.run_files import read_settings, settings_text
from segada.core.run_names import SETTINGS
from segada.errors import InputError
from segada.settings import RunSettings, named_kinds
from segada.settings.files import load_run_settings
from segada.settings.named_kinds import without_code
from segada.settings.nested import Tree
from segada.settings.schema import all_paths, names_below, slots

METHOD: Tree = {"method": {"name": "own_code:Shrink", "rate": 0.3}}


def run(**sections: object) -> RunSettings:
    return RunSettings.model_validate(sections)


def refusal(file: Path, **overrides: object) -> str:
    with pytest.raises(InputError) as refused:
        load_run_settings(file, {path.replace("__", "."): value for path, value in overrides.items()})  # type: ignore[misc]
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file beside a copy of the code, which it names by a relative path."""
    (tmp_path / "mine.py").write_text(FILE.read_text(), encoding="utf-8")
    path = tmp_path / "run.yaml"
    path.write_text("seed: 1\nmethod:\n  name: ./mine.py:Shrink\n  rate: 0.3\n", encoding="utf-8")
    return path


def test_a_relative_file_is_seen_from_the_settings_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_run_settings(file)
    assert settings.method.name == f"{file.parent}/mine.py:Shrink"
    assert settings.method.model_dump() == {"name": settings.method.name, "rate": 0.3, "every": 1}
    monkeypatch.chdir(file.parent)
    assert run(method={"name": "./mine.py:Shrink", "rate": 0.3}, seed=1) == settings


def test_settings_return_from_every_form() -> None:
    sections = {**METHOD, "adapter": placed([1]), "controller": {"name": named("Alternating")}}
    model = {"encoder": named("Plain"), "head": named("Head")}
    settings = run(**sections, model=model, evaluation={"label_free": ["entropy", named("brightness")]})
    assert RunSettings.model_validate_json(settings.model_dump_json()) == settings
    assert RunSettings.model_validate(settings.model_dump(mode="json")) == settings
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301 - our own bytes
    assert settings.model_copy(deep=True) == settings


def test_own_settings_count_in_the_hash() -> None:
    hashes = [run(method={"name": named("Shrink"), "rate": rate}).settings_hash() for rate in (0.1, 0.2, 0.1)]
    assert hashes[0] == hashes[2] != hashes[1]


def test_a_file_that_was_moved_leaves_the_hash(file: Path) -> None:
    settings, here = load_run_settings(file), file.parent
    (here / "elsewhere").mkdir()
    (here / "mine.py").rename(here / "elsewhere" / "mine.py")
    moved = load_run_settings(file.rename(here / "elsewhere" / "run.yaml"))
    assert moved.method.name != settings.method.name
    assert moved.settings_hash() == settings.settings_hash()


def test_paths_of_own_settings_exist_where_the_code_is_named() -> None:
    (place,) = slots(RunSettings, ["method", "rate"], [METHOD])
    assert place.given == {"method.name": "own_code:Shrink"}
    assert place.description == "Share of each weight that a step takes away."
    with pytest.raises(ValidationError):
        place.check(2.0)
    assert slots(RunSettings, ["method", "rate"]) == []
    assert names_below(RunSettings, ["method"], METHOD) == ["name", "rate", "every"]
    assert set(all_paths(RunSettings, [METHOD])) - set(all_paths(RunSettings)) == {"method.rate", "method.every"}
    town: Tree = {"data": {"domains": {"town": {"dataset": named("TOWN")}}}}
    assert len(slots(RunSettings, ["data", "domains", "town", "world"], [town])) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method__rat": 0.1}, "run.yaml (--set): method.rat: there is no such key; did you mean rate?"),
        ({"method__rate": 2.0}, "method.rate: should be less than or equal to 1, not 2.0"),
        ({"method__name": "no_lab:Mine"}, "method.name: 'no_lab:Mine': there is no module no_lab; install it"),
        ({"method__name": f"{FILE}:Mine"}, "has no 'Mine'; it defines "),
        ({"method__name": named("Alternating")}, "Alternating' is not a method: Alternating is a controller"),
        ({"method__name": named("Unfinished")}, "does not define __init__, evaluated_network, load_state_dict"),
        ({"method__name": named("prompt")}, "name a class that is derived from segada.methods.base.Method, not a func"),
        ({"method__name": named("Misdeclared")}, "its attribute Settings is not a settings class, but <class 'int'>"),
        ({"adapter__name": named("brightness")}, "it is called with (block, settings, generator), but takes (inputs"),
        ({"model__head": named("Plain")}, "model.head: '"),
        ({"model__encoder": named("FILE")}, "is not an encoder: name a class that is derived from"),
        ({"model__head": "nothing"}, "model.head: should be 'segformer', 'multi_exit', 'daformer' or 'daformer_conv1'"),
        ({"evaluation__label_free": [named("directionless")]}, "no attribute direction, one of maximize, minimize"),
        ({"data__domains__clear__dataset": named("Town")}, "name an object of Town, such as IT = Town(), not the"),
    ],
)
def test_what_is_no_such_part_is_refused_in_one_line(file: Path, changes: Tree, said: str) -> None:
    assert said in refusal(file, **changes)


def test_refusals_name_the_line_of_the_file(file: Path) -> None:
    file.write_text("seed: 1\nmethod:\n  name: ./mine.py:Unfinished\n", encoding="utf-8")
    assert refusal(file).startswith(f"{file}:3: method.name: '{file.parent}/mine.py:Unfinished' is not a method")
    file.write_text("seed: 1\nmethod:\n  name: ./mine.py:Shrink\n  rate: much\n", encoding="utf-8")
    assert refusal(file) == f"{file}:4: method.rate: should be a valid number, not 'much'"


def test_scores_of_equal_names_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"both would be reported as 'brightness'; rename the function"):
        run(evaluation={"label_free": [named("brightness"), "own_code:brightness"]})


def test_reading_the_folder_of_a_run_imports_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = run(**METHOD)
    (tmp_path / SETTINGS).write_text(settings_text(settings), encoding="utf-8")

    def refuse(name: str) -> object:
        pytest.fail(f"{name} was imported")

    monkeypatch.setattr(named_kinds, "load_code", refuse)
    named_kinds._made.cache_clear()
    read = read_settings(tmp_path).value
    assert read is not None
    assert read.settings_hash() == settings.settings_hash()
    with without_code():
        assert slots(RunSettings, ["method", "anything"], [METHOD])
