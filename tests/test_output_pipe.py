"""Commands whose output nobody reads: a pipe whose reader has ended, and closed standard output."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = (
    ["segada.adapt", "--help"],
    ["segada.data", "check", "--help"],
    ["segada.cli.main", "--version"],
    ["segada.cli.main", "--print-completion", "bash"],
    ["segada.data", "cache"],
    ["hpo.run", "--help"],
    ["hpo.space", "schema"],
    ["hpo.space", "export", "smoke"],
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_pipe_without_a_reader_ends_a_command_quietly(words: list[str], tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    # Python's own buffer, which holds short output until the end of the process.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    ended = subprocess.run(
        [sys.executable, "-m", *words],
        check=False,
        stdout=writer,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env=environment,
        text=True,
    )
    os.close(writer)
    assert ended.returncode in (0, 1)
    assert all(line.startswith("note:") for line in ended.stderr.splitlines())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_closed_standard_output_is_no_error(words: list[str], tmp_path: Path) -> None:
    command = f"exec {sys.executable} -m {' '.join(words)} >&-"
    ended = subprocess.run(["/bin/sh", "-c", command], check=False, stderr=subprocess.PIPE, cwd=tmp_path, text=True)
    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr
