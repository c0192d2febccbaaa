"""How frames get from a disk into a run: it decides how fast, and changes no number."""

from typing import Annotated

from pydantic import Field

from segada.settings.base import Settings


class LoadingSettings(Settings):
    """Decoding of recorded frames. Runs that differ in nothing else are the same run."""

    workers: Annotated[int, Field(ge=0, le=1024)] | None = None
    """Threads that decode frames; null takes one per CPU that this process may use, 0 decodes in the calling thread."""
