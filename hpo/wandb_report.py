"""Builds the W&B report of a study that was tracked: `python -m hpo.wandb_report OUT`."""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from hpo.cli.options import STUDY_FOLDER, command_parser
from segada.cli.exit_codes import Parser, exit_code
from segada.cli.interruption import program
from segada.core.printing import say
from segada.errors import InputError


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: 0 done, 2 wrong input, a key that is refused, or no answer."""
    out = parser().parse_args(words).out

    def command() -> None:
        # Imported here, so that --help is quick.
        from segada.settings.named_kinds import without_code

        with without_code():
            publish(out)

    return exit_code(command)


def parser() -> Parser:
    """Returns the parser of the command."""
    parser = command_parser("hpo.wandb_report", "Builds a report at W&B of a study that was tracked.", "runs/ga_dacs")
    parser.add_argument("out", type=Path, metavar="OUT", help=STUDY_FOLDER)
    return parser


def publish(out: Path) -> None:
    """Saves the report at W&B and prints its address, or what has to be done before.

    Raises:
        InputError: the folder holds no study, or W&B does not take the report.
    """
    # Imported here, so that --help is quick.
    import wandb

    from hpo.config.study_file import load_written
    from hpo.tracking.wandb_logger import has_key, mode_of
    from segada.settings.inputs import resolved

    out = resolved(out, "OUT")
    file = load_written(out)
    if find_spec("wandb_workspaces") is None:
        raise InputError("reports are built with wandb-workspaces: pip install 'segada[wandb]'")
    if mode_of(file.settings.tracking.mode) == "disabled":
        raise InputError(f"{out}: wandb was not told of this study; run it with --set tracking.mode=offline")
    if not has_key():
        say("not logged in to W&B, so that the report cannot be saved there; where there is a key, run")
        say(f"  wandb sync {out}/wandb/offline-run-*")
        say(f"  {program('hpo.wandb_report')} {out}")
        return
    # Imported here: the extra that it needs may not be installed.
    from hpo.tracking.wandb_report_builder import report_of

    try:
        entity = file.settings.tracking.entity or wandb.Api().default_entity
        report = report_of(file, str(entity))
        report.save()
    except wandb.Error as error:
        raise InputError(f"W&B does not take the report ({type(error).__name__}: {error})") from None
    say(f"report at {report.url}")
    waiting = list(out.glob("wandb/offline-run-*"))
    if waiting:
        say(f"{len(waiting)} runs may not be in it yet: wandb sync {out}/wandb/offline-run-*")


if __name__ == "__main__":
    sys.exit(main())
