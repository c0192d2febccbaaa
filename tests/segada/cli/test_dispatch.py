"""The console script `segada`: help without imports, exit codes, names as they were typed, completion of a shell."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

import segada
from segada import convert
from segada.cli.dispatch import SHELLS
from segada.cli.exit_codes import DONE, INTERRUPTED, WRONG_INPUT, how_to_go_on
from segada.cli.interruption import program
from segada.cli.main import COMMANDS, main
from segada.data import __main__ as data
from segada.data.datasets.registry import LAYOUTS
from segada.evaluation.choices import SAVED
from segada.evaluation.export import KINDS
from segada.models.formats.writing import WRITERS

ROOT = Path(__file__).parents[3]
HEAVY = ("torch", "numpy", "pydantic", "rich", "yaml", "shtab", "importlib.metadata")
HELP = f"""
import contextlib, io, json, runpy, sys, time
sys.argv = json.loads(sys.argv[1])
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as said:
    if sys.argv[0] == "segada":
        from segada.cli.main import main
        main()
    else:
        runpy.run_module(sys.argv[0], run_name="__main__")
print(json.dumps([said.getvalue(), [name for name in {HEAVY!r} if name in sys.modules], time.process_time()]))
"""


def _help(*words: str) -> str:
    """Returns the help of a command, which must load nothing heavy; prints the processor time that it takes."""
    child = subprocess.run([sys.executable, "-c", HELP, json.dumps(words)], capture_output=True, text=True, check=True)
    said, loaded, seconds = json.loads(child.stdout)
    print(f"{' '.join(words)}: {seconds:.2f} s of processor time")
    assert loaded == []
    return str(said)


def test_help_of_the_script_lists_every_command_and_imports_none() -> None:
    said = _help("segada", "--help")
    assert all(f"  {name} " in said and command.help in said for name, command in COMMANDS.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_loads_nothing_heavy_and_has_an_example(name: str) -> None:
    module = COMMANDS[name].module
    short = module.removesuffix(".__main__")
    for words, called in (("segada", name), f"segada {name}"), ((module,), f"python -m {short}"):
        said = _help(*words, "--help")
        assert said.startswith(f"usage: {called} [-h]")
        assert f"example:\n  {called} " in said


def test_options_of_several_commands_have_the_same_help() -> None:
    texts: dict[str, list[str | None]] = {}
    for command in COMMANDS.values():
        for action in importlib.import_module(command.module).parser()._actions:
            for option in action.option_strings:
                texts.setdefault(option, []).append(action.help)
    several = {option: found for option, found in texts.items() if len(found) > 1 and option != "--out"}
    assert {"--set", "--cfg-options", "--load-from", "--resume-from", "--auto-resume", "--seed"} <= set(several)
    assert {option: found for option, found in several.items() if len(set(found)) > 1} == {}
    defaults = [(found or "").partition("; default: ")[2] for found in texts["--out"]]
    assert all(default.startswith("runs/") or default == "the working directory" for default in defaults)


def test_choices_of_options_are_those_of_the_registries() -> None:
    assert list(WRITERS) == list(convert.FORMATS)
    assert sorted(KINDS) == list(SAVED)
    assert list(LAYOUTS) == list(data.LAYOUTS)


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == DONE
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert capsys.readouterr().out == f"segada {declared['version']}\n"
    assert declared["scripts"]["segada"] == "segada.cli.main:main"
    assert segada.__version__ == declared["version"]


@pytest.mark.parametrize(
    ("words", "said"), [([], "no command is given; choose one of adapt, "), (["adpt"], "invalid choice: 'adpt'")]
)
def test_a_missing_or_unknown_command_is_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == WRONG_INPUT
    assert f"segada: error: {'argument COMMAND: ' if words else ''}{said}" in capsys.readouterr().err


def test_a_command_ends_with_its_own_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "--", "absent.pth"]) == WRONG_INPUT
    assert capsys.readouterr().err.startswith("error: INPUT: there is no file absent.pth")


def _script(folder: Path) -> Path:
    """Writes the console script as pip does."""
    path = folder / "segada"
    path.write_text(f"#!{sys.executable}\nimport sys\nfrom segada.cli.main import main\nsys.exit(main())\n")
    path.chmod(0o755)
    return path


def test_a_command_is_called_and_repeated_as_it_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["/usr/bin/python3", "-m", "segada.adapt", "a b.yaml"])
    monkeypatch.setattr(sys, "argv", ["/somewhere/segada/adapt.py", "a b.yaml"])
    assert program("segada.adapt") == "python -m segada.adapt"
    assert how_to_go_on("all is kept") == "all is kept. To go on: python -m segada.adapt 'a b.yaml'"
    path = _script(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(path), "adapt", "a b.yaml", "--new"])
    assert program("segada.adapt") == "segada adapt"
    assert how_to_go_on("all is kept") == f"all is kept. To go on: {path} adapt 'a b.yaml'"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert how_to_go_on("all is kept") == "all is kept. To go on: segada adapt 'a b.yaml'"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_script_that_still_imports_ends_with_the_line(number: signal.Signals, tmp_path: Path) -> None:
    path = _script(tmp_path)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    started = subprocess.Popen(
        [path, "adapt", "x.yaml"], stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    try:
        end = time.monotonic() + 60
        while not _catches(started.pid, signal.SIGTERM) and time.monotonic() < end:
            time.sleep(0.001)
        os.killpg(started.pid, number)
        _, said = started.communicate(timeout=60)
    finally:
        started.kill()
        started.communicate()
    assert started.returncode == INTERRUPTED
    assert said == "interrupted; what is finished is kept. To go on: segada adapt x.yaml\n"


def _catches(pid: int, number: signal.Signals) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    caught = next((int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:")), 0)
    return bool(caught >> (number - 1) & 1)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["segada", "pre"], {"pretrain"}),
        (["segada", "adapt", "--res"], {"--resume-from"}),
        (["segada", "convert", "w.pth", "--to", "h"], {"hf"}),
        (["segada", "data", "ch"], {"check"}),
        (["segada", "evaluate", "--settings", "ru"], {"run.yaml"}),
    ],
)
def test_bash_completes_commands_options_values_and_files(
    typed: list[str], offered: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.yaml").touch()
    assert main(["--print-completion", "bash"]) == DONE
    script = tmp_path / "segada.bash"
    script.write_text(capsys.readouterr().out)
    subprocess.run(["bash", "-n", script], check=True)
    lines = (
        f"source {script}",
        f"COMP_WORDS=({' '.join(typed)})",
        f"COMP_CWORD={len(typed) - 1}",
        "compopt() { :; }",
        "_shtab_segada",
        'printf "%s\\n" "${COMPREPLY[@]}"',
    )
    found = subprocess.run(
        ["bash", "-c", "\n".join(lines)], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    assert {line.strip() for line in found.splitlines()} == offered


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_has_a_completion_of_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--print-completion", shell]) == DONE
    said = capsys.readouterr().out
    assert all(name in said for name in COMMANDS)
