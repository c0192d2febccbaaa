"""The console script `segada`: adaptation of segmentation networks at test time."""

import sys
from collections.abc import Sequence
from typing import Final

from segada import __version__
from segada.cli.dispatch import Command, Program

COMMANDS: Final = {
    "adapt": Command("segada.adapt", "adapt one model over one stream of domains"),
    "pretrain": Command("segada.pretrain", "train a source model"),
    "evaluate": Command("segada.evaluate", "score a checkpoint on any domains, class by class"),
    "convert": Command("segada.convert", "describe a checkpoint, or write it in another format"),
    "data": Command("segada.data.__main__", "check a folder of a data set, or list the cache of decoded frames"),
    "init": Command("segada.init", "write settings and a study for the data in folders"),
    "profile": Command("segada.profile", "measure the parts of a step and count the parameters"),
}

SEGADA: Final = Program("segada", __version__, "Adapts segmentation networks to new domains at test time.", COMMANDS)


def main(words: Sequence[str] | None = None) -> int:
    """Runs a sub-command of `segada` and returns its exit code."""
    return SEGADA.run(words)


if __name__ == "__main__":
    sys.exit(main())
