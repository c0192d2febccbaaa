"""Tests of the storage of a study: names, refusals, moving aside, and that no password is written."""

import sys
from pathlib import Path

import pytest
import yaml

import hpo.run
import hpo.session.main_job
from hpo.config.storage_url import VARIABLE, masked, place_of, without_password
from hpo.config.study_file import StudyFile, load_study
from hpo.study.drivers import Driver
from hpo.study.provenance import write_study
from hpo.study.study import Study, open_study, read_study
from segada.cli.exit_codes import NO_ANSWER
from segada.errors import InputError

STUDY = """
name: kept
run: {stream: {visits: [clear, 50mm]}, evaluation: {split: val}}
space:
  method.pseudo_threshold: {type: float, low: 0.5, high: 0.9, default: 0.6}
sampler: {name: random}
budget: {trials: 2}
"""


@pytest.fixture(autouse=True)
def _no_database_from_outside(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def place(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/studies.db"


def study_file(folder: Path, storage: str | None = None, **changes: object) -> StudyFile:
    path = folder / "kept.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(STUDY), **({"storage": storage} if storage else {}), **changes}))
    return load_study(str(path))


def begun(file: StudyFile, out: Path) -> Study:
    """As the main job begins a study."""
    file = file.kept_in(place_of(file.settings.storage))
    study = open_study(file, out)
    write_study(file, out)
    return study


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:s%40cret@host:5432/db", "postgresql://me@host:5432/db"),
        ("postgresql://host/db?password=s%40cret&sslmode=require", "postgresql://host/db?sslmode=require"),
        ("sqlite:////home/me/studies.db", "sqlite:////home/me/studies.db"),
        ("sqlite:///studies.db", "sqlite:///studies.db"),
    ],
)
def test_a_password_is_neither_shown_nor_written(url, shown, monkeypatch):
    assert without_password(url) == shown
    monkeypatch.setenv(VARIABLE, url)
    said = masked(f"cannot connect with s@cret to {url}")
    assert ("cret" in said) == url.startswith("sqlite")
    assert without_password(place_of(None)) == place_of(None)


def test_a_password_in_the_study_file_or_an_option_is_refused_and_not_repeated(tmp_path, monkeypatch, capsys):
    study_file(tmp_path)
    in_query = "postgresql://h/db?password=secret"
    for options in (["--storage", "postgresql://me:secret@h/db"], ["--set", f"storage={in_query}"]):
        said = refused(monkeypatch, capsys, "--space", str(tmp_path / "kept.yaml"), *options)
        assert f"would show; give the URL in {VARIABLE}" in said
        assert "secret" not in said
        assert f"({options[0]}): storage: " in said


@pytest.mark.parametrize("url", ["mysql://h/db", "studies.db", "sqlite://", "sqlite://host/file"])
def test_what_is_no_storage(tmp_path, monkeypatch, url):
    with pytest.raises(InputError, match=r"kept\.yaml:\d+: storage: (must begin with sqlite|names no file)"):
        study_file(tmp_path, url)
    monkeypatch.setenv(VARIABLE, url)
    with pytest.raises(InputError, match=f"{VARIABLE} (must begin with sqlite|names no file)"):
        place_of(None)


def test_the_variable_names_the_database_where_nothing_else_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert place_of(None) is None
    monkeypatch.setenv(VARIABLE, "sqlite:///a.db")
    assert place_of(None) == f"sqlite:///{tmp_path}/a.db"
    assert place_of("sqlite:///b.db") == f"sqlite:///{tmp_path}/b.db"


def test_a_study_in_a_database_is_found_from_its_folder_whatever_the_variable_says(tmp_path, place, monkeypatch):
    study = begun(study_file(tmp_path, place, start_from=[{"method.pseudo_threshold": 0.8}]), tmp_path / "out")
    study.ask()
    study.complete(0, [0.5])
    monkeypatch.setenv(VARIABLE, f"sqlite:///{tmp_path}/others.db")

    assert not (tmp_path / "out" / "study.journal").exists()
    file = load_study(str(tmp_path / "out" / "study.yaml"), runs=False)
    assert file.settings.storage == place
    assert [trial.values for trial in read_study(file, tmp_path / "out").finished()] == [[0.5]]
    # A later study, which is kept elsewhere, begins with its best.
    later = open_study(study_file(tmp_path, name="later", start_from=[str(tmp_path / "out")]), tmp_path / "later")
    assert later.ask().configuration.values == {"method.pseudo_threshold": 0.8}
    assert not (tmp_path / "later" / "study.journal").exists()


def test_a_folder_whose_study_is_kept_elsewhere_is_refused(tmp_path, place):
    begun(study_file(tmp_path, place), tmp_path / "a")
    begun(study_file(tmp_path), tmp_path / "b")

    with pytest.raises(InputError, match=rf"a: its study is kept in {place}, not in study.journal; give --storage"):
        open_study(study_file(tmp_path), tmp_path / "a")
    with pytest.raises(InputError, match=r"not in sqlite:///.*other\.db"):
        open_study(study_file(tmp_path, f"sqlite:///{tmp_path}/other.db"), tmp_path / "a")
    with pytest.raises(InputError, match=r"b: holds study\.journal, in which its study is kept"):
        open_study(study_file(tmp_path, place, name="other"), tmp_path / "b")
    with pytest.raises(InputError, match=r"holds a study named 'kept' whose results are in another folder \(.*/a\)"):
        open_study(study_file(tmp_path, place), tmp_path / "c")
    assert begun(study_file(tmp_path, place), tmp_path / "a").ask() is not None


def test_databases_that_do_not_answer(tmp_path):
    with pytest.raises(InputError, match=r"sqlite:////no/folder/x\.db: cannot be used as a study's storage"):
        open_study(study_file(tmp_path, "sqlite:////no/folder/x.db"), tmp_path / "out")
    with pytest.raises(InputError, match="there is no such file"):
        read_study(study_file(tmp_path, f"sqlite:///{tmp_path}/x.db"), tmp_path / "out")
    assert not (tmp_path / "x.db").exists()


def refused(monkeypatch, capsys, *options: str) -> str:
    monkeypatch.setattr(sys, "argv", ["hpo.run", *options])
    assert hpo.run.main() == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_resume_refuses_where_there_is_nothing_to_go_on_with(tmp_path, place, monkeypatch, capsys):
    study_file(tmp_path)
    command = ["--space", str(tmp_path / "kept.yaml"), "--out", str(tmp_path / "out"), "--resume"]
    assert "out: holds no study 'kept' to resume; leave out --resume" in refused(monkeypatch, capsys, *command)
    said = refused(monkeypatch, capsys, *command, "--storage", place)
    assert f"{place}: holds no study 'kept'" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.yaml"]


def test_new_moves_the_folder_aside_and_begins_anew(tmp_path, monkeypatch, capsys):
    out, asked = tmp_path / "out", []
    monkeypatch.setattr(hpo.session.main_job, "_work_off", lambda _coordinator, study, *_: asked.append(study.ask()))
    command = ["--space", str(tmp_path / "kept.yaml"), "--out", str(out), "--new"]
    for low in (0.1, 0.2, 0.3):
        changed = {"space": {"method.pseudo_threshold": {"type": "float", "low": low, "high": 0.9, "default": 0.6}}}
        study_file(tmp_path, **changed)
        monkeypatch.setattr(sys, "argv", ["hpo.run", *command])
        # No trial was run.
        assert hpo.run.main() == NO_ANSWER
    assert [proposal.number for proposal in asked] == [0, 0, 0]
    lows = [
        yaml.safe_load((folder / "study.yaml").read_text())["space"]
        for folder in (Path(f"{out}.1"), Path(f"{out}.2"), out)
    ]
    assert [space["method.pseudo_threshold"]["low"] for space in lows] == [0.1, 0.2, 0.3]
    assert f"what {out} held is now in {out}.2" in capsys.readouterr().out

    study_file(tmp_path)
    said = refused(monkeypatch, capsys, *command[:-1])
    assert "space.method.pseudo_threshold.low is 0.3 there and 0.5 in the file" in said
    assert "--new" in said
    driver = Driver(out)
    assert "works in this folder; stop it first" in refused(monkeypatch, capsys, *command)
    driver.leave()


def test_new_leaves_studies_in_databases_alone(tmp_path, place, monkeypatch, capsys):
    begun(study_file(tmp_path, place), tmp_path / "out")
    command = ["--space", str(tmp_path / "kept.yaml"), "--out", str(tmp_path / "out"), "--new"]
    assert "holds a study named 'kept', which --new leaves alone" in refused(monkeypatch, capsys, *command)
    assert (tmp_path / "out" / "study.yaml").exists()
