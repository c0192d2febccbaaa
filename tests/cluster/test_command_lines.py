"""Every command line of ours in cluster/ and in the pages is one that the program takes, its settings included."""

import argparse
import importlib
import json
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pytest
from manifests import CLUSTER, ROOT

from hpo import submit
from hpo.cli.options import run_parser
from hpo.config.command_line import study_file
from hpo.config.document import shipped_studies

COMMAND = re.compile(r"""python -m ((?:hpo|segada)(?:\.\w+)+)(?:(?=[`"'\n])|\s+([^`\n]*))""")
STANDING_FOR = {"STUDY.yaml": "smoke.yaml", "my_study.yaml": "smoke.yaml", "FOLDER": "/shared/runs/smoke"}
"""What a page writes for the reader's own."""
WHOLE = '"$@"'
"""In a script, all that it was given."""


class Parsed(BaseException):
    """The command line was taken; the command itself need not run."""


def _pages() -> Iterator[Path]:
    yield from (path for path in sorted(CLUSTER.rglob("*")) if path.is_file() and path.suffix != ".json")


def _commands(path: Path) -> Iterator[tuple[str, list[str]]]:
    text = path.read_text().replace("\\\n", " ")
    for listed in re.findall(r"^CMD (\[.*\])$", text, flags=re.MULTILINE):
        _, _, module, *words = json.loads(listed)
        yield module, words
    for module, rest in COMMAND.findall(text):
        line = re.split(r"\s[;&|(]", f" {rest.replace(WHOLE, '--space smoke.yaml')}")[0]
        yield module, [STANDING_FOR.get(word, word) for word in shlex.split(line, comments=True) if word != "&"]


COMMANDS = [(path, module, words) for path in _pages() for module, words in _commands(path)]


def _taken(module: str, words: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the command until its options are read."""
    parse = argparse.ArgumentParser.parse_args

    def parsed(parser: argparse.ArgumentParser, *given: Sequence[str]) -> NoReturn:
        parse(parser, *given)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parsed)
    monkeypatch.setattr(sys, "argv", [module, *words])
    with pytest.raises(Parsed):
        importlib.import_module(module).main()


@pytest.mark.parametrize(
    ("path", "module", "words"), COMMANDS, ids=[f"{path.name}-{shlex.join(words)}" for path, _, words in COMMANDS]
)
def test_a_command_line_is_one_that_the_program_takes(
    path: Path, module: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    is_study = module == "hpo.run" or (module == "hpo.submit" and words[:1] and words[0] not in submit.COMMANDS)
    if is_study:
        arguments = run_parser().parse_args(words) if module == "hpo.run" else submit.parsed(words).study
        assert arguments.space in shipped_studies()
        assert study_file(arguments, runs=False).settings.name
    else:
        _taken(module, words, monkeypatch)


def test_every_way_to_a_cluster_has_a_command_of_ours_and_a_wrong_one_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    having = {path.relative_to(ROOT / "cluster").parts[0] for path, _, _ in COMMANDS}
    assert having == {"Dockerfile", "README.md", "compose", "kuberay", "launcher", "slurm"}
    assert len(COMMANDS) >= 18
    with pytest.raises(SystemExit):
        _taken("hpo.report", ["--no-such-option"], monkeypatch)


def test_the_ways_of_slurm_and_the_options_of_the_main_job_are_the_same() -> None:
    for line in re.findall(r"segada\.sbatch (--.*)$", (CLUSTER / "README.md").read_text(), flags=re.MULTILINE):
        assert study_file(run_parser().parse_args(shlex.split(line)), runs=False).settings.budget.trials > 1


def test_every_file_that_the_page_names_is_there() -> None:
    text = (CLUSTER / "README.md").read_text()
    named = set(re.findall(r"`((?:compose|kuberay|launcher|slurm)/[\w./]*)`", text))
    named |= {name.removeprefix("cluster/") for name in re.findall(r"\bcluster/[\w.]+/[\w.]+", text)}
    assert {"kuberay/", "slurm/segada.sbatch", "launcher/aws.yaml"} <= named
    assert [name for name in named - {"test_jobs_for_real.py"} if not (CLUSTER / name).exists()] == []
