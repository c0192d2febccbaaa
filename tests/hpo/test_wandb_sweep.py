"""W&B sweeps of ours: created at a server, worked off by its agent, and understood by its own search."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from sweep_server import SweepServer, sweep_server
from wandb_files import kept_runs

from hpo.config.study_file import load_study
from hpo.tracking.sweep_agent import point_of_study
from hpo.tracking.sweep_export import sweep_of
from hpo.wandb_sweep import main

KEY = "5ecre7" * 7
SPACE = {
    "method.pseudo_threshold": {"type": "float", "low": 0.5, "high": 0.9},
    "method.optimizer.lr": {"type": "float", "low": 1e-5, "high": 1e-2, "log": True},
    "stream.passes": {"type": "int", "low": 1, "high": 4},
    "adapter.name": {"type": "choice", "choices": ["none", "adaptformer"]},
    "adapter.bottleneck": {"type": "int", "low": 4, "high": 64, "log": True, "when": {"adapter.name": "adaptformer"}},
}


def command(server: SweepServer, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    own = {"WANDB_BASE_URL": server.address, "WANDB_API_KEY": KEY, "WANDB_MODE": "offline"}
    line = [sys.executable, "-m", "hpo.wandb_sweep", *arguments]
    return subprocess.run(line, cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, check=False)


def test_a_sweep_is_made_and_its_agent_adapts(tmp_path: Path, tiny_run: dict[str, object]) -> None:
    study = {"name": "tiny", "run": tiny_run, "space": {"method.pseudo_threshold": SPACE["method.pseudo_threshold"]}}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump({**study, "sampler": {"name": "tpe"}}))
    with sweep_server({"method.pseudo_threshold": 0.75}) as server:
        made = command(server, tmp_path, "create", "tiny.yaml", "--project", "rain")
        done = command(server, tmp_path, "agent", "lab/rain/abc123", "--count", "1")
    assert made.returncode == 0, made.stderr
    assert made.stdout.splitlines()[-1].endswith("python -m hpo.wandb_sweep agent lab/rain/abc123")
    config = yaml.safe_load(server.config)
    assert (config["method"], config["command"][-2:]) == ("bayes", ["tiny.yaml", "${args_json}"])
    assert done.returncode == 0, done.stderr
    assert server.unknown == []
    settings = yaml.safe_load((tmp_path / "runs" / "tiny" / "sweep" / "run1" / "settings.yaml").read_text())
    assert settings["method"]["pseudo_threshold"] == 0.75
    (run,) = kept_runs(tmp_path).values()
    assert [point["domain"] for point in run.history if "domain" in point] == ["clear", "200mm"]
    assert KEY not in made.stdout + made.stderr + done.stdout + done.stderr + server.config


def test_what_cannot_be_asked_of_a_server_is_one_line(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setattr(sys, "argv", ["hpo.wandb_sweep", "create", "smoke.yaml"])
    assert main() == 2
    assert "there is no key for it: set WANDB_API_KEY" in capsys.readouterr().err
    monkeypatch.setenv("WANDB_API_KEY", "short")
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    assert main() == 2
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if line.startswith("error: W&B does not do it")]


@pytest.mark.parametrize("sampler", ["random", "tpe", "grid"])
@pytest.mark.filterwarnings("ignore:Valid config keys have changed in V2:UserWarning")
def test_w_and_b_s_own_search_proposes_points_of_the_study(sampler: str, tmp_path: Path) -> None:
    sweeps = pytest.importorskip(
        "sweeps", reason="pip install --no-deps sweeps jsonref scikit-learn joblib threadpoolctl"
    )
    space = {name: one for name, one in SPACE.items() if sampler != "grid" or one["type"] == "choice"}
    text = yaml.safe_dump({"name": "local", "space": space, "sampler": {"name": sampler}})
    (tmp_path / "local.yaml").write_text(text)
    study = load_study(str(tmp_path / "local.yaml"))
    runs: list[object] = []
    for _ in range(4 if sampler != "grid" else 2):
        proposed = sweeps.next_run(sweep_of(study, "local.yaml"), runs)
        config = {name: entry["value"] for name, entry in proposed.config.items()}
        assert point_of_study(study.space, json.dumps(config, default=lambda value: value.item())).values[
            "adapter.name"
        ] in ("none", "adaptformer")
        gain = float(len(runs))
        run = sweeps.SweepRun(
            name=str(len(runs)),
            config=proposed.config,
            summaryMetrics={"mean_miou": gain},
            state="finished",
            history=[{"mean_miou": gain}],
        )
        runs.append(run)
    assert len({json.dumps(run.config, sort_keys=True, default=str) for run in runs}) == len(runs)
