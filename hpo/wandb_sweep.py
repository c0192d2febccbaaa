"""A W&B sweep of a study: W&B's server proposes, agents of ours run.

`python -m hpo.wandb_sweep create FILE` makes the sweep; `python -m hpo.wandb_sweep agent ENTITY/PROJECT/ID`, on as many
machines as there are, does its runs until it is over.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hpo.cli.options import SPACE, command_parser
from segada.cli.exit_codes import Parser, exit_code
from segada.cli.interruption import program
from segada.core.printing import say, tell
from segada.errors import InputError


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0 done, 2 wrong input, a key that is refused, or no answer."""
    arguments = parser().parse_args(words)
    return exit_code(lambda: _asking_wandb(lambda: _COMMANDS[arguments.command](arguments)))


def create(arguments: argparse.Namespace) -> None:
    """Makes the sweep of a study file and prints how it is searched."""
    # Imported here, so that --help is quick.
    import wandb

    from hpo.config.study_file import load_study
    from hpo.tracking.sweep_export import lost, sweep_of

    study = load_study(arguments.study)
    tracking = study.settings.tracking
    sweep = sweep_of(study, arguments.study)
    for sentence in lost(study):
        tell(f"note: {sentence}")
    project = arguments.project or tracking.project
    sweep_id = wandb.sweep(sweep, entity=arguments.entity or tracking.entity, project=project)
    # wandb leaves here what its server made of entity and project.
    place = "/".join([os.environ["WANDB_ENTITY"], os.environ["WANDB_PROJECT"], sweep_id])
    say(f"to search it, on any machine that has {arguments.study}: {program('hpo.wandb_sweep')} agent {place}")


def agent(arguments: argparse.Namespace) -> None:
    """Does the runs of a sweep until it is over, or so many of them."""
    import wandb

    # The sweep names the interpreter as `python`, which should be this one.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    wandb.agent(arguments.sweep, count=arguments.count)


_COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {"create": create, "agent": agent}


def _asking_wandb(command: Callable[[], None]) -> None:
    import wandb

    from hpo.tracking.wandb_logger import has_key

    if not has_key():
        raise InputError("W&B's server runs the sweep, and there is no key for it: set WANDB_API_KEY, or `wandb login`")
    try:
        command()
    except wandb.Error as error:
        reason = " ".join(str(error).split())
        raise InputError(f"W&B does not do it ({type(error).__name__}: {reason})") from None


def parser() -> Parser:
    """Returns the parser of the command."""
    parser = command_parser("hpo.wandb_sweep", __doc__.splitlines()[0], "create ga_dacs.yaml --project rain")
    commands = parser.add_subparsers(dest="command", required=True)
    creating = commands.add_parser("create", help="make a sweep of a study file")
    creating.add_argument("study", metavar="FILE", help=SPACE)
    creating.add_argument("--project", help="at W&B (default: tracking.project)")
    creating.add_argument("--entity", help="user or team at W&B (default: tracking.entity, or that of the key)")
    running = commands.add_parser("agent", help="do the runs of a sweep")
    running.add_argument("sweep", metavar="ENTITY/PROJECT/ID", help="as `create` prints it")
    running.add_argument("--count", type=int, metavar="N", help="runs at most (default: until the sweep is over)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
