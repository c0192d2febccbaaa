"""Loading of frames from disk: affects speed, and changes no number of a run."""

from typing import Annotated

from pydantic import Field

from segada.settings.base import Fraction, Positive, Settings


class LoadingSettings(Settings):
    """Decoding and caching of recorded frames. Runs that differ only in these settings are the same run."""

    cache: str | None = "${XDG_CACHE_HOME:-~/.cache}/segada/frames"
    """Folder of decoded frames, four bytes per pixel, which later runs map into memory; null decodes the frames into
    memory in each run. `${NAME:-default}` reads an environment variable."""
    cache_limit: Positive = 100.0
    """Size limit of the cache folder in GiB; the least recently used frames are removed first."""
    check: bool = True
    """If true, cached frames are read once and compared with their checksums before a run begins. If false, damage is
    noticed only if it changed a file's length or its header."""

    workers: Annotated[int, Field(ge=0, le=1024)] | None = None
    """Number of threads that decode frames; null takes one per CPU available to this process, 0 decodes in the calling
    thread."""
    unreadable_share: Fraction = 0.01
    """Share of a domain's frames, over all splits that a run reads, that may be damaged: they are left out, counted in
    the report and named in the log. A larger share ends the run with an error."""
