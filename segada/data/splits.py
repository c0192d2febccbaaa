"""The four purposes that the frames of a domain are divided among."""

from typing import Literal

Split = Literal["source", "adapt", "val", "test"]
"""Learned from with labels; passed over without; looked at by a search; looked at by nothing but published figures."""
