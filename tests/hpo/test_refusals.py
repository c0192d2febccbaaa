"""What the main job refuses: exit code 2, one line, and nothing created."""

import sys

import pytest
import yaml

from hpo.config.study_file import load_study
from hpo.report import main as report_main
from hpo.run import main as run_main
from hpo.status import main as status_main
from hpo.study.drivers import joined
from hpo.study.study import open_study
from hpo.trial import main as trial_main
from hpo.wandb_report import main as wandb_report_main
from segada.errors import InputError


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """Runs a command that must refuse, and gives the line it says."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, main=run_main) -> str:
        before = sorted(tmp_path.rglob("*"))
        monkeypatch.setattr(sys, "argv", ["command", *arguments])
        assert main() == 2
        assert sorted(tmp_path.rglob("*")) == before
        line = capsys.readouterr().err
        assert line.count("\n") == 1
        assert line.startswith("error: ")
        return line

    return command


def test_a_study_file_that_is_not_there(refused):
    assert "ga_dacs.yaml" in refused("--space", "ga_dasc.yaml")


def test_a_study_file_that_is_not_yaml(refused, tmp_path):
    (tmp_path / "broken.yaml").write_text("name: [")
    assert "broken.yaml:1" in refused("--space", "broken.yaml")


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("steam.passes=2", "stream"),
        ("stream.passes=two", "passes"),
        ("confirm.seeds=0", "confirm.seeds"),
        ("stream.passes", "PATH=VALUE"),
        ("model.checkpoint=1", "checkpoint"),
    ],
)
def test_settings_that_cannot_be(refused, assignment, said):
    assert said in refused("--space", "smoke.yaml", "--set", assignment)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--trials", "0", "(--trials): budget.trials"), ("--seed", "-1", "(--seed): sampler.seed")],
)
def test_an_option_is_called_by_its_name(refused, option, value, said):
    assert said in refused("--space", "smoke.yaml", option, value)


def test_a_parameter_on_the_command_line(refused):
    said = refused("--space", "smoke.yaml", "--set", "space.method.ema_alpha.low=0.8")
    assert "copy smoke.yaml and change it there" in said


@pytest.mark.parametrize(("address", "said"), [("host:abc", "HOST:PORT"), ("127.0.0.1:1", "no Ray cluster answers")])
def test_a_cluster_that_is_none_leaves_not_even_the_folder_of_all_runs(refused, tmp_path, address, said):
    assert said in refused("--space", "smoke.yaml", "--address", address)
    (tmp_path / "made-before").mkdir()
    assert said in refused("--space", "smoke.yaml", "--address", address, "--out", "made-before")


def test_the_folder_of_another_study(refused, tmp_path):
    open_study(load_study("smoke.yaml"), tmp_path / "out")

    assert "another study" in refused("--space", "smoke.yaml", "--set", "stream.passes=3", "--out", "out")


def test_a_former_study_that_is_none(refused, tmp_path):
    (tmp_path / "mine.yaml").write_text("name: mine\nextends: smoke\nstart_from: runs/gone\n")
    assert "mine.yaml:3: start_from.0.study: there is no study in the folder runs/gone" in refused(
        "--space", "mine.yaml"
    )


def test_a_folder_that_is_a_file(refused, tmp_path):
    (tmp_path / "out").touch()
    assert "out: cannot be the folder of a study" in refused("--space", "smoke.yaml", "--out", "out")


def test_what_runs_have_done_is_kept_though_the_study_is_refused_in_the_end(tmp_path):
    out = tmp_path / "runs" / "a"
    visits = out / "baselines" / "source_only" / "visits.jsonl"

    def search() -> None:
        with joined(out):
            visits.parent.mkdir(parents=True)
            visits.touch()
            raise InputError("frames of the report are missing")

    with pytest.raises(InputError, match="frames of the report"):
        search()
    assert visits.exists()


def test_a_driver_that_is_refused_leaves_what_another_one_has_begun(tmp_path):
    out = tmp_path / "out"

    def refused_driver() -> None:
        with joined(out):
            (out / "study.journal").touch()
            raise InputError("no Ray cluster answers")

    with joined(out):
        with pytest.raises(InputError, match="no Ray"):
            refused_driver()
        assert (out / "study.journal").exists()
    with pytest.raises(InputError, match="no Ray"):
        refused_driver()
    assert {path.name for path in out.iterdir()} == {"driver.lock", "study.journal"}


def test_wandb_without_a_key(refused, monkeypatch, tmp_path):
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.delenv("WANDB_MODE", raising=False)
    assert "WANDB_API_KEY" in refused("--space", "smoke.yaml", "--set", "tracking.mode=online")


def test_a_report_of_no_study(refused, tmp_path):
    assert "study.yaml" in refused(str(tmp_path), main=report_main)


def test_a_report_is_made_while_a_driver_runs_and_without_the_data(tmp_path, monkeypatch):
    file, out = load_study("smoke.yaml"), tmp_path / "out"
    study = open_study(file, out)
    study.ask()
    gone = file.resolved()
    gone["run"]["data"] |= {"root": "gone", "domains": {"clear": {"dataset": "camvid"}, "100mm": {"dataset": "camvid"}}}
    (out / "study.yaml").write_text(yaml.safe_dump(gone))
    # A driver that is writing has the journal locked, and half a line in it.
    (out / "study.journal.lock").touch()
    with (out / "study.journal").open("a") as journal:
        journal.write('{"op_code":')
    before = (out / "study.journal").read_bytes()
    monkeypatch.setattr(sys, "argv", ["command", str(out)])

    assert report_main() == 0
    assert (out / "study.journal").read_bytes() == before
    assert (out / "report.html").exists()


@pytest.mark.parametrize("folder", ["a\tb", 300 * "a"])
@pytest.mark.parametrize(
    ("main", "words"),
    [
        (report_main, []),
        (status_main, []),
        (trial_main, ["export"]),
        (trial_main, ["salvage"]),
        (trial_main, ["import", "--space", "smoke.yaml"]),
        (wandb_report_main, []),
    ],
)
def test_a_folder_whose_name_none_can_have(refused, main, words, folder):
    line = refused(*words, folder, *(["trials.jsonl"] if "import" in words else []), main=main)
    assert line.startswith("error: OUT a")


@pytest.mark.parametrize("command", ["export", "salvage"])
def test_a_link_to_itself_is_no_study(refused, tmp_path, command):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "name the folder of a study" in refused(command, "loop", main=trial_main)
