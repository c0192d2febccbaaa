"""On which frames, how often and how fast a model is scored."""

from typing import Literal

from segada.settings.base import Count, Sequence, Settings


class EvaluationSettings(Settings):
    """Held-out evaluation after each visit."""

    split: Literal["select", "report"] = "report"
    """Frames that are scored: a search uses `select`, everything that is published `report`."""
    domains: Sequence[str] | None = None
    """Domains scored after every visit; null takes all domains of the stream and the source."""
    online: bool = True
    """Also score every frame of the stream before it is learned from (prequential); costs a forward pass each."""
    batch_size: Count = 8
    """Frames per forward pass; changes speed and memory, not results."""


class RuntimeSettings(Settings):
    """Where the arithmetic is done."""

    device: Literal["cpu", "cuda"] = "cpu"
    threads: Count = 1
    """CPU threads of torch. Part of the settings because another number may round differently."""
