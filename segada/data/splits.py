"""The four splits of a domain's frames."""

from typing import Literal

Split = Literal["source", "adapt", "val", "test"]
"""Split of a domain: `source` is trained on with labels, `adapt` is adapted on without, `val` is for selection by a
search, `test` for published figures only."""
