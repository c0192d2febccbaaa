"""Patterns of the names of a run's files, which distinguish them from other files."""

DRAFT = "????????"
"""Random suffix of a draft of `segada.core.atomic_io`, whose name also begins with a dot."""

_WHOLE = (
    "settings.yaml",
    "visits.jsonl",
    "areas.npz",
    "report.json",
    "tags.json",
    "best.json",
    "best.safetensors",
    "weights.safetensors",
    "checkpoint/state.pt",
    "checkpoint/former.pt",
    "panels/*.png",
    "tables/*.csv",
)
"""Files that are written completely, through a draft."""


def draft(pattern: str) -> str:
    """Returns the pattern of drafts that a kill during a write leaves behind."""
    folder, slash, name = pattern.rpartition("/")
    return f"{folder}{slash}.{name}.{DRAFT}"


RUN_DRAFTS = tuple(map(draft, _WHOLE))
_GROWING = ("log.txt", "frames.jsonl")
RUN_FILES = (*_WHOLE, *RUN_DRAFTS, *_GROWING, *(f"{name}.damaged*" for name in (*_WHOLE, *_GROWING)))
"""All files that a run may leave."""
RUN_MARKS = ("settings.yaml", "checkpoint/state.pt", *RUN_DRAFTS)
"""Files of which a folder contains at least one as soon as a run has begun in it."""
