"""RunSettings: the strict tree of every setting of one run. Plain data; imports no torch."""

from segada.settings.run import RunSettings

__all__ = ["RunSettings"]
