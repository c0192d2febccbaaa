"""The commands of `hpo`: what their help needs and says, and that an option means the same in each of them."""

import argparse
import resource
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module

import pytest

from hpo.cli.main import HPO, main
from segada.cli.exit_codes import DONE, FAILED, INTERRUPTED, NO_ANSWER, WRONG_INPUT

SECONDS = 0.5
"""Processor time that the help of a command may need."""
SHARED = ("--space", "--set", "--out", "--resume", "--new", "--storage", "--address", "--trials", "--seed")
OTHER_OPTIONS = ("hpo.submit", "hpo.trial")
"""Commands whose options mean something else, which their help says: another machine, one trial."""


def options(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    """Long options with their help, those of sub-commands too."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from options(below)
        yield from ((name, str(action.help)) for name in action.option_strings if name.startswith("--"))


@pytest.mark.parametrize("module", [command.module for command in HPO.commands.values()])
def test_help_is_quick_and_has_an_example(module: str) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < SECONDS
    assert f"usage: python -m {module} " in shown
    assert f"example: python -m {module} " in shown


def test_no_command_imports_a_heavy_library_before_it_works() -> None:
    program = (
        "import sys, importlib\nfrom hpo.cli.main import HPO\n"
        "[importlib.import_module(command.module).parser() for command in HPO.commands.values()]\n"
        "heavy = ('torch', 'ray', 'optuna', 'wandb', 'plotly', 'numpy', 'pydantic', 'yaml', 'rich')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("option", SHARED)
def test_an_option_has_one_help_text(option: str) -> None:
    said = {
        text.partition(" (default: ")[0]
        for command in HPO.commands.values()
        if command.module not in OTHER_OPTIONS
        for name, text in options(import_module(command.module).parser())
        if name == option
    }
    assert len(said) == 1


def test_the_examples_are_command_lines_that_are_taken() -> None:
    for name, command in HPO.commands.items():
        parser = import_module(command.module).parser()
        words = parser.epilog.removeprefix("example: %(prog)s ").split()
        _, unknown = parser.parse_known_args(words)
        # What `hpo submit` does not know, it passes to `hpo run`.
        assert unknown == (["--trials", "12"] if name == "submit" else [])


@pytest.mark.parametrize("name", ["run", "compare", "submit"])
def test_the_help_of_a_command_that_searches_names_every_exit_code(name: str) -> None:
    text = " ".join(import_module(HPO.commands[name].module).parser().format_help().split())
    for code in (DONE, FAILED, WRONG_INPUT, INTERRUPTED, NO_ANSWER):
        assert f" {code} " in text[text.index("Exit codes:") :]


def test_the_console_script_lists_its_commands_and_passes_words_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["hpo"])
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in HPO.commands)
    with pytest.raises(SystemExit):
        main(["wandb-sweep", "--help"])
    assert "example: hpo wandb-sweep create " in capsys.readouterr().out
    assert main(["report", "/no/such/folder"]) == 2
    assert "hpo run --space FILE --out /no/such/folder" in capsys.readouterr().err
    assert main(["--print-completion", "bash"]) == 0
    assert "wandb-sweep" in capsys.readouterr().out
