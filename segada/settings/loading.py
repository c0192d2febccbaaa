"""How frames get from a disk into a run: it decides how fast, and changes no number."""

from typing import Annotated

from pydantic import Field

from segada.settings.base import Fraction, Positive, Settings


class LoadingSettings(Settings):
    """Decoding of recorded frames, and where they are kept. Runs that differ in nothing else are the same run."""

    cache: str | None = "${XDG_CACHE_HOME:-~/.cache}/segada/frames"
    """Folder of decoded frames, four bytes per pixel, which later runs map into memory; null decodes them into memory
    in each run. `${NAME:-default}` reads an environment variable."""
    cache_limit: Positive = 100.0
    """GiB that the folder may take; frames that were not used for longest are removed first."""
    check: bool = True
    """Whether frames from the folder are read once and compared with their checksums before a run begins. Without,
    damage is noticed only if it changed a file's length or what it says about its contents."""

    workers: Annotated[int, Field(ge=0, le=1024)] | None = None
    """Threads that decode frames; null takes one per CPU that this process may use, 0 decodes in the calling thread."""
    unreadable_share: Fraction = 0.01
    """Of a domain's frames, over all purposes that a run reads it for, that may be damaged: they are left out, counted
    in the report and named in the log; more of them end the run."""
