"""The console script `hpo`: searches for settings under which segmentation networks adapt best."""

import sys
from collections.abc import Sequence
from typing import Final

from segada import __version__
from segada.cli.dispatch import Command, Program

COMMANDS: Final = {
    "run": Command("hpo.run", "search, confirm the best configuration and report it; continue a stopped study"),
    "compare": Command("hpo.compare", "search several methods alike and compare their best configurations"),
    "status": Command("hpo.status", "show how far a study is; changes nothing"),
    "report": Command("hpo.report", "write the report of a study again"),
    "space": Command("hpo.space", "check a study file, export it as a W&B sweep, print its JSON schema"),
    "submit": Command("hpo.submit", "run a study as a job of a Ray cluster"),
    "trial": Command(
        "hpo.trial", "list, add, retry, exclude and stop trials; export and import them; repair a damaged journal"
    ),
    "wandb-sweep": Command("hpo.wandb_sweep", "let W&B's server search a study file"),
    "wandb-report": Command("hpo.wandb_report", "save a report of a tracked study at W&B"),
}
"""Sub-commands, by name."""

HPO: Final = Program(
    "hpo", __version__, "Searches for settings under which segmentation networks adapt to new domains.", COMMANDS
)


def main(words: Sequence[str] | None = None) -> int:
    """Runs a sub-command of `hpo` and returns its exit code."""
    return HPO.run(words)


if __name__ == "__main__":
    sys.exit(main())
