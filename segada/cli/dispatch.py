"""Console scripts with sub-commands: a table names the modules, and only that of the chosen one is imported."""

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

from segada.cli.exit_codes import Parser, exit_code

SHELLS: Final = ("bash", "zsh", "tcsh", "fish")
"""Shells for which completion can be printed."""

_COMPLETED_BY: Final = {"FILE": "FILE", "CHECKPOINT": "FILE", "PATH": "FILE", "FOLDER": "DIRECTORY", "DIR": "DIRECTORY"}
"""Constant of shtab that completes the value of an option, by the option's metavar."""


@dataclass(frozen=True, slots=True)
class Command:
    """A sub-command: the module that implements it and one line of help.

    The module has `parser() -> Parser`, the options of the command, and `main(words=None) -> int`, which parses `words`
    (None: those of `sys.argv`) and returns the exit code. Importing it must be cheap.
    """

    module: str
    help: str


class _CommandModule(Protocol):
    def parser(self) -> Parser: ...

    def main(self, words: Sequence[str] | None = None) -> int: ...


@dataclass(frozen=True, slots=True)
class Program:
    """A console script with sub-commands, such as `segada`."""

    name: str
    version: str
    description: str
    commands: Mapping[str, Command]

    def run(self, words: Sequence[str] | None = None) -> int:
        """Runs the sub-command that a command line names.

        Args:
            words: Words after the program's name; None takes those of `sys.argv`.

        Returns:
            The exit code of the sub-command.
        """
        given = sys.argv[1:] if words is None else list(words)
        if given and given[0] in self.commands:
            return _loaded(self.commands[given[0]]).main(given[1:])
        parser = self._parser()
        shell = parser.parse_args(given).print_completion
        if shell is None:
            parser.error(f"no command is given; choose one of {', '.join(self.commands)}")
        return exit_code(lambda: print(self._completion(shell)))

    def _parser(self) -> Parser:
        width = max(map(len, self.commands))
        listed = "\n".join(f"  {name:{width}}  {command.help}" for name, command in self.commands.items())
        parser = Parser(
            prog=self.name,
            usage=f"{self.name} [-h] [--version] [--print-completion SHELL] COMMAND ...",
            description=self.description,
            epilog=f"commands:\n{listed}\n\noptions of a command: {self.name} COMMAND --help",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        parser.add_argument(
            "command", nargs="?", choices=tuple(self.commands), metavar="COMMAND", help=argparse.SUPPRESS
        )
        self._add_own_options(parser)
        return parser

    def _add_own_options(self, parser: Parser) -> None:
        parser.add_argument("--version", action="version", version=f"{self.name} {self.version}")
        parser.add_argument(
            "--print-completion",
            choices=SHELLS,
            metavar="SHELL",
            help=f'completion for {", ".join(SHELLS)}: eval "$({self.name} --print-completion bash)"',
        )

    def _completion(self, shell: str) -> str:
        """Returns the completion script of a shell, for all sub-commands; imports the modules of all of them."""
        import shtab  # only completion needs it

        whole = Parser(prog=self.name, description=self.description)
        self._add_own_options(whole)
        commands = whole.add_subparsers()
        for name, command in self.commands.items():
            options = _loaded(command).parser()
            commands.add_parser(name, help=command.help, parents=[options], add_help=False)
        _complete_values(whole, {metavar: getattr(shtab, kind) for metavar, kind in _COMPLETED_BY.items()})
        return shtab.complete(whole, shell)


def _loaded(command: Command) -> _CommandModule:
    return cast("_CommandModule", importlib.import_module(command.module))


def _complete_values(parser: argparse.ArgumentParser, completed: Mapping[str, object]) -> None:
    """Marks the arguments whose values are files or folders, in sub-commands too."""
    for action in parser._actions:  # argparse has no public list of arguments
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                _complete_values(below, completed)
        elif isinstance(action.metavar, str) and action.metavar in completed:
            action.complete = completed[action.metavar]  # type: ignore[attr-defined] # read by shtab
