"""What travels to a cluster, and the command line that runs there."""

import shutil
import subprocess
import sys
from pathlib import Path

import own_code
import own_search
import pytest

from hpo import submit
from hpo.config.study_file import load_study
from hpo.execution import cluster
from hpo.execution.cluster import Resources
from hpo.submission import bundle
from hpo.submission.bundle import packed
from hpo.submission.entrypoint import RESERVED, entrypoint, environment, submission_id
from segada.errors import InputError

CHILD = "extends: ../base.yaml\nname: child\n"
GRANDCHILD = "extends: more/child.yaml\nname: grandchild\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home" / "me"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_shipped_study_travels_as_it_is_here(here: Path) -> None:
    sent = packed("smoke")
    assert sent.study == "study/smoke.yaml"
    assert list(sent.files) == ["study/smoke.yaml"]
    sent.lay(here)
    assert load_study("study/smoke.yaml").identity == load_study("smoke.yaml").identity


def test_what_a_study_extends_travels_with_it_and_is_found_there(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(here / "base.yaml", "extends: smoke\nname: base\n")
    written(here / "more" / "child.yaml", CHILD)
    written(here / "top.yaml", GRANDCHILD)
    for name, files in (
        ("top.yaml", ["study/top.yaml", "study/more/child.yaml", "study/base.yaml", "study/smoke"]),
        ("more/child.yaml", ["study/more/child.yaml", "study/base.yaml", "study/smoke"]),
    ):
        sent = packed(name)
        assert list(sent.files) == files
        there = tmp_path / name.replace("/", "-")
        sent.lay(there)
        expected = load_study(name).resolved()
        with monkeypatch.context() as elsewhere:
            elsewhere.chdir(there)
            assert load_study(sent.study).resolved() == expected


CODE = """
name: code
run:
  stream: {visits: [clear, 50mm, 200mm]}
  evaluation: {split: val}
  method: {name: "../lib/mine.py:Shrink"}
space:
  method.rate: {type: float, low: 0.0, high: 0.5, default: 0.1}
sampler: {name: "./parts/search.py:Tree", startup: 2}
objectives: [{metric: "./parts/metric.py:score", goal: maximize}]
budget: {trials: 4}
"""


def test_files_of_code_travel_with_what_they_import_and_are_found_there(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(here / "my" / "study.yaml", CODE)
    written(here / "lib" / "mine.py", own_code.FILE.read_text())
    written(here / "my" / "parts" / "search.py", own_search.FILE.read_text())
    written(here / "my" / "parts" / "metric.py", "from .more import scaled\nfrom . import plain\nscore = scaled\n")
    written(here / "my" / "parts" / "plain.py", "import json\n")
    written(here / "my" / "parts" / "more" / "__init__.py", "from .inner import scaled\n")
    written(here / "my" / "parts" / "more" / "inner.py", "def scaled(report):\n    return report.gain\n")
    written(here / "my" / "parts" / "unused.py", "")
    sent = packed("my/study.yaml")
    assert sent.study == "study/my/study.yaml"
    parts = ("metric.py", "search.py", "plain.py", "more/__init__.py", "more/inner.py")
    assert set(sent.files) == {sent.study, "study/lib/mine.py", *(f"study/my/parts/{part}" for part in parts)}
    there = tmp_path / "there"
    sent.lay(there)
    identity = load_study("my/study.yaml").identity
    shutil.rmtree(here / "my")
    shutil.rmtree(here / "lib")
    monkeypatch.chdir(there)
    study = load_study(sent.study)
    assert study.identity == identity
    assert study.settings.sampler.model_dump()["name"] == f"{there}/study/my/parts/search.py:Tree"
    assert study.settings.objectives[0].metric == f"{there}/study/my/parts/metric.py:score"


def test_code_in_a_module_does_not_travel_unless_its_folder_is_included(here: Path) -> None:
    written(here / "my.yaml", 'extends: smoke\nname: mine\nsampler: {name: "my_lab.parts:tree"}\n')
    written(here / "my_lab" / "parts.py", "")
    line = "  not my_lab.parts:tree, code in a module; install it there, or include its folder"
    assert line in packed("my.yaml").lines()
    assert line not in packed("my.yaml", [Path("my_lab")]).lines()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("/home/me/mine.py:tree", "has an absolute path, which does not exist on the cluster; name it by a path seen"),
        ("./gone.py:tree", r"\./gone\.py:tree names no file \(seen from "),
        ("./bad.py:tree", r"bad\.py: is no Python: invalid syntax"),
    ],
)
def test_code_that_cannot_travel_is_refused(here: Path, name: str, said: str) -> None:
    written(here / "bad.py", "def def\n")
    written(here / "my.yaml", f'extends: smoke\nname: mine\nsampler: {{name: "{name}"}}\n')
    with pytest.raises(InputError, match=said):
        packed("my.yaml")


def test_nothing_else_travels_but_what_is_included(here: Path) -> None:
    written(here / "my.yaml", "extends: smoke\nname: mine\n")
    written(here / "secret.env", "KEY=1")
    for name in ("code/a.py", "code/.env", "code/.git/b", "code/__pycache__/c.pyc", "code/runs/d", "code/x.egg-info/e"):
        written(here / name, name)
    written(here / "weights" / "best.safetensors", "x" * 2500)
    assert set(packed("my.yaml").files) == {"study/my.yaml", "study/smoke"}
    sent = packed("my.yaml", [Path("code"), Path("weights/best.safetensors")])
    assert set(sent.files) == {"study/my.yaml", "study/smoke", "code/a.py", "weights/best.safetensors"}
    lines = list(sent.lines())
    assert lines[0].startswith("4 files, 3.")
    assert lines[1] == "  weights/best.safetensors (2.5 kB)"


def test_links_out_of_a_folder_that_is_included_are_not_followed_and_named(here: Path, tmp_path: Path) -> None:
    secret = written(tmp_path / "id_rsa", "private key")
    written(here / "other" / "b.py", "b")
    written(here / "code" / "a.py", "a")
    for name, target in (
        ("key", secret),
        ("folder", tmp_path),
        ("beside", here / "other" / "b.py"),
        ("gone", here / "nowhere"),
        ("alias.py", Path("a.py")),
    ):
        (here / "code" / name).symlink_to(target)
    sent = packed("smoke", [Path("code")])
    assert set(sent.files) == {"study/smoke.yaml", "code/a.py", "code/alias.py"}
    assert set(sent.links) == {"code/key", "code/folder", "code/beside", "code/gone"}
    assert "  not code/key, a link out of its folder; include its target" in list(sent.lines())
    sent.lay(tmp_path / "there")
    assert not any(path.is_symlink() for path in (tmp_path / "there").rglob("*"))
    assert "private key" not in {path.read_text() for path in (tmp_path / "there" / "code").iterdir()}


@pytest.mark.parametrize(
    ("include", "said"),
    [
        ("gone", "--include gone: there is no such file or folder"),
        ("../other", "--include ../other: must be below"),
        ("study", "study is the folder of the study's files there"),
    ],
)
def test_what_cannot_travel_is_refused(here: Path, include: str, said: str) -> None:
    written(here.parent / "other", "x")
    written(here / "study", "x")
    with pytest.raises(InputError, match=said):
        packed("smoke", [Path(include)])


def test_a_study_extended_by_its_absolute_path_is_refused(here: Path) -> None:
    base = written(here / "base.yaml", "extends: smoke\nname: base\n")
    written(here / "child.yaml", f"extends: {base}\nname: child\n")
    with pytest.raises(InputError, match="extended by its absolute path"):
        packed("child.yaml")


def test_a_parcel_that_is_too_large_is_refused_with_its_largest_files(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "LIMIT", 10_000)
    written(here / "data" / "frames.bin", "x" * 20_000)
    written(here / "data" / "labels.bin", "x" * 1_000)
    with pytest.raises(InputError) as refusal:
        packed("smoke", [Path("data")])
    assert str(refusal.value).startswith("the files to send have 21.")
    assert "more than 10 kB: data/frames.bin (20 kB), data/labels.bin (1 kB)" in str(refusal.value)


def test_the_job_runs_the_same_command_in_a_folder_that_nodes_share() -> None:
    assert entrypoint("study/a.yaml", "a", "/shared/my runs", ["--set", "confirm.seeds=3"]) == (
        "python -m hpo.run --space study/a.yaml --out '/shared/my runs' --address auto --set confirm.seeds=3"
    )
    without = entrypoint("study/a.yaml", "a", None, [])
    assert without == 'python -m hpo.run --space study/a.yaml --out "${SEGADA_RUNS:-$HOME/runs}/a" --address auto'
    with pytest.raises(InputError, match="--out runs/a: must be absolute"):
        entrypoint("study/a.yaml", "a", "runs/a", [])


def test_variables_are_sent_by_name_and_no_error_shows_a_value() -> None:
    sent = environment(["KEY"], {"KEY": "planted", "OTHER": "x"})
    assert sent == {"RAY_JOB_STOP_WAIT_TIME_S": "600", "SEGADA_STOP_WAIT": "540", "KEY": "planted"}
    with pytest.raises(InputError, match="--env GONE: this variable is not set here"):
        environment(["GONE"], {})
    assert set(RESERVED) == set(cluster._numerics(Resources(None, 1, 0, 1)))
    with pytest.raises(InputError, match="--env OMP_NUM_THREADS: the study itself sets it"):
        environment(["OMP_NUM_THREADS"], {"OMP_NUM_THREADS": "4"})
    with pytest.raises(InputError, match="--env KEY: takes the name of a variable alone") as refusal:
        environment(["KEY=planted"], {"KEY": "planted"})
    assert "planted" not in str(refusal.value)


def test_a_mistake_is_told_before_ray_is_loaded() -> None:
    program = "import sys, hpo.submit; print([name for name in ('ray', 'torch', 'wandb') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_job_is_named_after_its_study() -> None:
    names = {submission_id("ga_dacs") for _ in range(20)}
    assert len(names) == 20
    assert all(name.startswith("ga_dacs-") and len(name) == len("ga_dacs-") + 6 for name in names)


def test_options_of_the_main_job_are_checked_by_it_and_go_on_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--address", "http://h:8265", "--space", "smoke.yaml", "--set", "stream.passes=2", "--trials", "3"]
    arguments = submit.parsed(words)
    assert arguments.rest == ["--set", "stream.passes=2", "--trials", "3"]
    assert (arguments.address, arguments.study.space, arguments.study.trials) == ("http://h:8265", "smoke.yaml", 3)
    assert submit.parsed(["logs", "a-1", "--follow", "--address", "http://h:8265"]).follow
    with pytest.raises(SystemExit, match="2"):
        submit.parsed(["--space", "smoke.yaml", "--trails", "3"])
    assert "--trails" in capsys.readouterr().err
