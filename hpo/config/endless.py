"""Refuses streams without an end, which no trial can run to its end."""

from segada.settings import RunSettings
from segada.settings.files import Document


def check_end(document: Document, run: RunSettings) -> None:
    """Checks that the stream of a study's runs has an end.

    Raises:
        InputError: It has none.
    """
    if run.stream.follow is not None:
        raise document.error(
            ("run", "stream", "follow"),
            "has no end, and a trial needs one; leave it out, search on frames that are there, and follow the stream "
            "with segada adapt and the best settings",
        )
