"""Runs all entries of `runs.yaml` with the code of a given checkout."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import JsonValue

from benchmarks.unchanged.inputs import write_inputs
from benchmarks.unchanged.words import translated

HERE: Final = Path(__file__).parent
SEARCH: Final = ("hpo.run", "--space", "smoke.yaml", "--set", "resources.workers=1", "--out", "smoke")
"""The search of a recording; its folder is `smoke`."""
SMOKE: Final = "smoke"
HIDDEN: Final = "_"
"""First letter of folders in a recording that are not runs: inputs, settings, cached frames."""


class RecordingError(Exception):
    """A recording cannot be made; the message says why."""


def run_names() -> tuple[str, ...]:
    """Returns the names of all runs of a whole recording."""
    return (SMOKE, *_listed())


def settings_of_runs(new_words: bool) -> dict[str, dict[str, JsonValue]]:
    """Returns the settings of every run except the search, by its name.

    Args:
        new_words: True to return them in new words.
    """
    return {name: translated(run["settings"]) if new_words else run["settings"] for name, run in _listed().items()}


def record(tree: Path, out: Path, new_words: bool, only: Sequence[str] = ()) -> None:
    """Fills a folder with a folder for each run; existing ones are kept.

    Args:
        tree: Folder of the checkout.
        out: Folder of the recording.
        new_words: True if the checkout reads settings in new words.
        only: Names of runs; empty for all.

    Raises:
        RecordingError: if no run covers a setting, the folder has other content, or a run failed.
    """
    if unknown := set(only) - set(run_names()):
        raise RecordingError(f"--only {' '.join(sorted(unknown))}: no such run; there are {', '.join(run_names())}")
    environment = _environment(tree, out)
    settings = settings_of_runs(new_words)
    _check(tree, settings, environment)
    write_inputs(out / "_inputs")
    (out / "_settings").mkdir(exist_ok=True)
    commands: dict[str, list[str]] = {}
    for name, run in _listed().items():
        file = out / "_settings" / f"{name}.yaml"
        file.write_text(yaml.safe_dump(settings[name], sort_keys=False))
        commands[name] = [*run["command"], str(file.relative_to(out)), "--out", name]
    started = time.perf_counter()
    wanted = [name for name in only or run_names() if not _finished(out, name).exists()]
    failures = _run_search(out, environment) if SMOKE in wanted else []
    failures += _run_all({name: commands[name] for name in wanted if name != SMOKE}, out, environment)
    print(f"{time.perf_counter() - started:6.1f} s  in all", flush=True)
    if failures:
        raise RecordingError("\n".join(failures))


def _listed() -> dict[str, dict[str, Any]]:
    """Returns `command`, without the settings file, and `settings` of every run by name."""
    content = yaml.safe_load((HERE / "runs.yaml").read_text())
    runs = {}
    for name, run in content["runs"].items():
        command = run.pop("command", "segada.adapt")
        runs[name] = {"command": command.split(), "settings": _merged(content["base"], run)}
    return runs


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        inside = merged.get(key)
        merged[key] = _merged(inside, value) if isinstance(inside, dict) and isinstance(value, dict) else value
    return merged


def _environment(tree: Path, out: Path) -> dict[str, str]:
    out.mkdir(parents=True, exist_ok=True)
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    variables = {"PYTHONPATH": str(tree), "XDG_CACHE_HOME": str(out / "_cache"), "WANDB_MODE": "disabled"}
    return {**os.environ, **threads, **variables}


def _check(tree: Path, settings: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    probe = subprocess.run(
        [sys.executable, "-P", str(HERE / "coverage.py")],
        input=json.dumps(settings),
        env=environment,
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    if probe.returncode:
        raise RecordingError(f"{tree}: its settings cannot be read\n{probe.stderr}")
    answer = json.loads(probe.stdout)
    if not Path(answer["segada"]).is_relative_to(tree):
        raise RecordingError(f"{tree}: holds no segada; {answer['segada']} would be run")
    problems = [f"{name}: {text}" for name, text in answer["invalid"].items()]
    problems += [f"no run covers {text}; add it to {HERE.name}/runs.yaml" for text in answer["uncovered"]]
    if problems:
        raise RecordingError("\n".join(problems))


def _run_search(out: Path, environment: Mapping[str, str]) -> list[str]:
    """Runs the search and returns why it failed."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-P", "-m", *SEARCH],
        env=environment,
        cwd=out,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return _ended(out, SMOKE, done.returncode, time.perf_counter() - started, done.stdout)


def _run_all(commands: Mapping[str, list[str]], out: Path, environment: Mapping[str, str]) -> list[str]:
    """Runs commands in the recording's folder, where settings find their inputs, and returns the failures."""
    failures: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-P", str(HERE / "forking.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        cwd=out,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        json.dump(commands, process.stdin)
        process.stdin.close()
        for line in process.stdout:
            ended = json.loads(line)
            failures += _ended(out, ended["name"], ended["status"], ended["seconds"], ended["output"])
    if process.returncode:
        failures.append(f"forking.py ended with {process.returncode}")
    return failures


def _ended(out: Path, name: str, status: int, seconds: float, output: str) -> list[str]:
    if status:
        print(f"failed    {name}", flush=True)
        return [f"{name}: ended with {status}\n{output}"]
    _finished(out, name).touch()
    print(f"{seconds:6.1f} s  {name}", flush=True)
    return []


def _finished(out: Path, name: str) -> Path:
    """Returns the file that marks a successful run."""
    return out / "_settings" / f"{name}.done"
