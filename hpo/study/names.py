"""Names of a study's baselines and confirmation runs, and of their folders."""

from typing import Literal, NamedTuple

DEFAULT = "default"
"""Name of the study's default configuration among what the best is compared with."""

SOURCE_ONLY = "source_only"
"""Name of the baseline that runs the source model as it is."""

BATCH_NORM = "batch_norm"
"""Name of the baseline that re-estimates batch-norm statistics and adapts nothing else."""

Split = Literal["test", "val"]
SPLITS: tuple[Split, ...] = ("test", "val")
_ENDS: dict[Split, str] = {"test": "", "val": " val"}


class Repeat(NamedTuple):
    """Repetition of a configuration in the confirmation."""

    source: int
    """Number of the source model, from 0 on."""
    seed: int


def confirmation_name(name: str, repeat: Repeat, split: Split = "test") -> str:
    """Returns the name of a confirmation run's job; the first source model is not named."""
    source = f" source {repeat.source + 1}" if repeat.source else ""
    return f"{name}{source} seed {repeat.seed}{_ENDS[split]}"


def confirmation_folder_name(job: str) -> str:
    """Returns the name of the folder of a confirmation run: `trial-7-s2-val` for the job `trial 7 seed 2 val`."""
    return job.replace(" seed ", "-s").replace(" ", "-")


def confirmation_runs_each(top: int) -> int:
    """Returns how many runs per seed the best `top` trials take: of several, the best is picked on other frames."""
    return len(SPLITS) * top if top > 1 else top
