"""The example of an external engine: a program that imports nothing of ours, from frames in files to a conclusion."""

import os
import subprocess
import sys
from pathlib import Path

from hpo.results.confirmation import Confirmation

EXAMPLE = Path(__file__).parents[2] / "examples" / "external_engine"


def test_the_program_imports_nothing_of_ours() -> None:
    lines = (EXAMPLE / "adapt.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 70
    assert not [line for line in lines if "import" in line and ("segada" in line or "hpo" in line)]


def test_the_study_comes_to_a_conclusion(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(EXAMPLE / "frames.py"), str(tmp_path / "frames")], check=True)
    words = ["-m", "hpo.run", "--space", str(EXAMPLE / "study.yaml"), "--out", str(tmp_path / "out"), "--trials", "1"]
    for change in (f"run.data={tmp_path / 'frames'}", "run.source.steps=4", "confirm.seeds=1", "constraints=[]"):
        words += ["--set", change]
    # The study names its program as seen from the root of the repository, and python as the shell finds it.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        [sys.executable, *words],
        cwd=EXAMPLE.parents[1],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    confirmed = Confirmation.model_validate_json((tmp_path / "out" / "best" / "confirmation.json").read_bytes())
    assert [run.name for run in confirmed.runs] == ["source_only", "default", "trial 0"]
    assert confirmed.rests_on == "frames and seeds"
    assert list(confirmed.runs[0].miou) == ["clear", "fog150m", "100mm", "fog150m#2"]
    assert confirmed.runs[1].gain["source_only"].low < confirmed.runs[1].gain["source_only"].high
