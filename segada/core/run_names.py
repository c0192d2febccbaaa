"""Names of a run's files, and patterns that distinguish these files from others."""

from typing import Final

DRAFT = "????????"
"""Random suffix of a draft of `segada.core.atomic_io`, whose name also begins with a dot."""

SETTINGS: Final = "settings.yaml"
VISITS: Final = "visits.jsonl"
AREAS: Final = "areas.npz"
REPORT: Final = "report.json"
TAGS: Final = "tags.json"
BEST: Final = "best.json"
BEST_WEIGHTS: Final = "best.safetensors"
WEIGHTS: Final = "weights.safetensors"
STATE: Final = "checkpoint/state.pt"
FORMER_STATE: Final = "checkpoint/former.pt"
STEPS: Final = "frames.jsonl"
LOG: Final = "log.txt"

_REPLACED = (SETTINGS, VISITS, AREAS, REPORT, TAGS, BEST, BEST_WEIGHTS, WEIGHTS, STATE, FORMER_STATE)
_GROWING = (LOG, STEPS)
RUN_NAMES = (*_REPLACED, *_GROWING)
"""Names of the files of a run, less those of pictures and tables."""
_WHOLE = (*_REPLACED, "panels/*.png", "tables/*.csv")
"""Files that are written completely, through a draft."""


def draft(pattern: str) -> str:
    """Returns the pattern of drafts that a kill during a write leaves behind."""
    folder, slash, name = pattern.rpartition("/")
    return f"{folder}{slash}.{name}.{DRAFT}"


RUN_DRAFTS = tuple(map(draft, _WHOLE))
RUN_FILES = (*_WHOLE, *RUN_DRAFTS, *_GROWING, *(f"{name}.damaged*" for name in (*_WHOLE, *_GROWING)))
"""All files that a run may leave."""
RUN_MARKS = (SETTINGS, STATE, *RUN_DRAFTS)
"""Files of which a folder contains at least one as soon as a run has begun in it."""
