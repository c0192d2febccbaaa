"""Tests of removing and moving a study: only files that it created, by name, and only its own folder."""

import os
import sys
from pathlib import Path

import pytest

import hpo.run
from hpo.compare import main as compare_main
from hpo.comparison.reuse import _copy
from hpo.config.study_file import load_study
from hpo.run import main as run_main
from hpo.study.created_files import Made, remove_named
from hpo.study.drivers import Driver, joined
from hpo.study.folder import remove_study
from hpo.study.heartbeats import DRIVERS
from hpo.study.study import open_study
from segada.errors import InputError

DEAD = "host-12-0a1b2c3d"


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs a command in `tmp_path`, and gives its exit code and what it says."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, main=run_main) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["command", *arguments])
        code = main()
        return code, capsys.readouterr().err

    return run


@pytest.fixture
def meanwhile(monkeypatch):
    """Has the work of a study end in a refusal, after somebody has put these files into its folder."""

    def planned(*names: str) -> None:
        def refuse(_coordinator, _study, driver, *_: object) -> None:
            for folder in ("source", "trials/0", "baselines/batch_norm"):
                driver.made.run(driver.out / folder)
                write(driver.out / folder / "settings.yaml")
                write(driver.out / folder / "panels" / "mix_0.png")
            write(driver.scratch / "tuner.pkl")
            for name in names:
                write(driver.out / name)
            raise InputError("the checkpoint is missing")

        monkeypatch.setattr(hpo.run, "_work_off", refuse)

    return planned


def write(path: Path, text: str = "mine") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def tree(folder: Path) -> dict[str, str | None]:
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def test_a_refused_study_removes_what_it_made_and_no_more(command, meanwhile, tmp_path):
    others = ("thesis.txt", "photos/a.jpg", "trials/0/notes.txt", "ray/mine/b", "drivers/mine.json", "source/c.py")
    meanwhile(*others)
    (tmp_path / "d").mkdir()
    os.chdir(tmp_path / "d")

    code, said = command("--space", "smoke", "--out", ".")
    assert (code, said) == (2, "error: the checkpoint is missing\n")
    assert {name for name, text in tree(tmp_path / "d").items() if text is not None} == set(others)
    assert not (tmp_path / "d" / "baselines").exists()


def test_a_refused_study_leaves_no_trace_of_its_own(command, meanwhile, tmp_path):
    meanwhile()
    assert command("--space", "smoke", "--out", "a/b/c")[0] == 2
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("name", ["visits.jsonl", "checkpoint/state.pt"])
def test_a_study_of_which_a_run_has_got_somewhere_is_kept_whole(command, meanwhile, tmp_path, name):
    meanwhile(f"trials/0/{name}")
    assert command("--space", "smoke", "--out", "out")[0] == 2
    assert {"study.yaml", "study.journal", "source/settings.yaml", f"trials/0/{name}"} < set(tree(tmp_path / "out"))


def test_what_was_there_before_a_refusal_is_there_after_it(command, meanwhile, tmp_path):
    open_study(load_study("smoke"), tmp_path / "out")
    write(tmp_path / "out" / "trials" / "0" / "settings.yaml", "first")
    before = (tmp_path / "out" / "study.journal").read_bytes()
    meanwhile()
    assert command("--space", "smoke", "--out", "out")[0] == 2
    assert (tmp_path / "out" / "study.journal").read_bytes().startswith(before)
    assert (tmp_path / "out" / "trials" / "0" / "settings.yaml").exists()
    assert not (tmp_path / "out" / "study.yaml").exists()


def test_a_study_in_a_database_that_is_refused_may_be_begun_again(command, meanwhile, tmp_path):
    meanwhile()
    words = ("--space", "smoke", "--out", "out", "--storage", f"sqlite:///{tmp_path / 'studies.db'}")
    assert command(*words)[1] == "error: the checkpoint is missing\n"
    assert not (tmp_path / "out").exists()
    assert command(*words)[1] == "error: the checkpoint is missing\n"
    assert command(*words, "--set", "stream.passes=3")[1] == "error: the checkpoint is missing\n"


def test_a_driver_that_leaves_removes_its_own_scratch_and_that_of_dead_ones_by_name(tmp_path):
    kept = [write(tmp_path / name) for name in ("ray/mine/a", f"ray/{DEAD}/mine.txt", "drivers/mine.json")]
    gone = [write(tmp_path / "ray" / DEAD / name) for name in ("tuner.pkl", "trial-0/error.txt")]
    with joined(tmp_path) as driver:
        gone += [write(driver.scratch / "experiment_state-1.json"), write(tmp_path / DRIVERS / f"{DEAD}.json", "{")]
    assert all(path.exists() for path in kept)
    assert not any(path.exists() for path in gone)
    assert [path.name for path in (tmp_path / "ray").iterdir()] in (["mine", DEAD], [DEAD, "mine"])


def test_links_are_not_followed_where_files_are_removed_by_name(tmp_path):
    elsewhere = write(tmp_path / "home" / "error.txt")
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "trial-0").symlink_to(tmp_path / "home")
    remove_named(tmp_path / "ray", ("*/", "*/error.txt"))
    assert elsewhere.exists()
    assert (tmp_path / "ray" / "trial-0").is_symlink()


def test_a_folder_that_somebody_makes_at_the_same_time_is_not_ours(tmp_path, monkeypatch):
    made, mkdir = Made(), Path.mkdir

    def beaten(path: Path, *_: object, **__: object) -> None:
        mkdir(path)
        raise FileExistsError

    monkeypatch.setattr(Path, "mkdir", beaten)
    made.folder(tmp_path / "a")
    made.remove()
    assert (tmp_path / "a").is_dir()


def project(folder: Path) -> dict[str, str | None]:
    for name in ("train.py", "study.yaml", "results.csv", "trials/1.txt", "ray/x.py", ".git/HEAD"):
        write(folder / name)
    return tree(folder)


@pytest.mark.parametrize("out", [".", "project", "../project/", "/", "", " "])
@pytest.mark.parametrize("options", [[], ["--new"]])
def test_a_folder_that_is_no_study_is_neither_moved_nor_begun_in(command, tmp_path, out, options):
    before = project(tmp_path / "project")
    os.chdir(tmp_path if out == "project" else tmp_path / "project")
    code, said = command("--space", "smoke", "--out", out, *options)
    assert code == 2
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert "--out" in said
    assert tree(tmp_path / "project") == before
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


def test_new_moves_a_study_aside_but_not_the_folder_one_stands_in(command, meanwhile, tmp_path):
    open_study(load_study("smoke"), tmp_path / "out")
    (tmp_path / "out.1").symlink_to("nowhere")
    os.chdir(tmp_path / "out")
    code, said = command("--space", "smoke", "--out", ".", "--new")
    assert code == 2
    assert "is the current folder or above it" in said
    os.chdir(tmp_path)
    meanwhile()
    assert command("--space", "smoke", "--out", "out", "--new")[0] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.1", "out.2"]
    assert (tmp_path / "out.2" / "study.journal").exists()


@pytest.mark.parametrize(
    "left",
    [
        ["driver.lock"],
        ["driver.lock", f"drivers/{DEAD}.json", "journal.lock", f"ray/{DEAD}/tuner.pkl", "log.txt"],
        ["source/settings.yaml", "baselines/batch_norm/settings.yaml", "confirmation/x/settings.yaml"],
        ["wandb/known/trial 0.json", "sweep/a.yaml", "sweep/a/settings.yaml", "driver.lock", ".study.id.ab12cd34"],
    ],
)
def test_what_a_killed_or_refused_study_has_left_is_no_obstacle(command, meanwhile, tmp_path, left):
    for name in left:
        write(tmp_path / "out" / name)
    meanwhile()
    assert command("--space", "smoke", "--out", "out")[1] == "error: the checkpoint is missing\n"


@pytest.mark.parametrize("name", ["comparison.csv", "notes.txt", "ga_dacs/notes.txt"])
def test_a_comparison_does_not_begin_in_a_folder_of_something_else(command, tmp_path, name):
    write(tmp_path / "out" / name)
    before = tree(tmp_path)
    for out in ("out", ""):
        code, said = command("compare_methods", "--out", out, main=compare_main)
        assert (code, said.count("\n"), "--out" in said) == (2, 1, True)
    assert tree(tmp_path) == before


def test_a_run_is_copied_beside_whatever_is_there(tmp_path):
    write(tmp_path / "a" / "source" / "report.json")
    mine = write(tmp_path / "b" / "source.copying" / "mine.txt")
    _copy(tmp_path / "a" / "source", tmp_path / "b" / "source")
    assert mine.exists()
    assert tree(tmp_path / "b") == {
        "source": None,
        "source/report.json": "mine",
        "source.copying": None,
        "source.copying/mine.txt": "mine",
    }


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["study.journal", "study.yaml", "driver.lock", "journal.lock"])
def test_a_pipe_in_the_place_of_a_file_is_refused_at_once(command, tmp_path, name):
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "out" / name)
    code, said = command("--space", "smoke", "--out", "out")
    assert code == 2
    assert f"{name}: is a pipe, a device or a socket, where a file should be" in said


@pytest.mark.timeout(20)
def test_a_pipe_as_a_study_file_is_refused_at_once(command, tmp_path):
    os.mkfifo(tmp_path / "mine.yaml")
    assert "mine.yaml: is a pipe" in command("--space", "mine.yaml")[1]


def test_a_whole_study_is_removed_by_name(tmp_path):
    open_study(load_study("smoke"), tmp_path / "out")
    for name in (
        "trials/3/checkpoint/state.pt",
        "best/weights.safetensors",
        "report.html",
        f"ray/{DEAD}/trial-0/error.txt",
    ):
        write(tmp_path / "out" / name)
    mine = write(tmp_path / "out" / "trials" / "3" / "mine.txt")
    remove_study(tmp_path / "out")
    assert tree(tmp_path) == {"out": None, "out/trials": None, "out/trials/3": None, "out/trials/3/mine.txt": "mine"}
    mine.unlink()
    remove_study(tmp_path / "out")
    assert tree(tmp_path) == {}


def test_drivers_work_in_one_folder_though_only_the_first_made_it(tmp_path):
    first, second = Driver(tmp_path / "out"), Driver(tmp_path / "out")
    first.leave()
    second.made.remove()
    assert (tmp_path / "out" / "driver.lock").exists()
    second.leave()
