"""Names of what a run leaves in its folder, as patterns, for whoever has to tell it from what is not a run's."""

DRAFT = "????????"
"""What `segada.core.atomic_io` puts behind the name of a file, and a dot before it, while it writes it."""

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
"""Files that are written whole, through a draft."""


def draft(pattern: str) -> str:
    """The pattern of what a kill leaves that comes while a file is written."""
    folder, slash, name = pattern.rpartition("/")
    return f"{folder}{slash}.{name}.{DRAFT}"


RUN_DRAFTS = tuple(map(draft, _WHOLE))
_GROWING = ("log.txt", "frames.jsonl")
RUN_FILES = (*_WHOLE, *RUN_DRAFTS, *_GROWING, *(f"{name}.damaged*" for name in (*_WHOLE, *_GROWING)))
"""Everything that a run may leave."""
RUN_MARKS = ("settings.yaml", "checkpoint/state.pt", *RUN_DRAFTS)
"""Of which a folder has one as soon as a run is begun in it."""
