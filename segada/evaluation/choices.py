"""Values that options of an evaluation can have, apart from the code that needs torch, so that `--help` is quick."""

from typing import Final

SCALES: Final = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
"""Scales of test-time augmentation, those of mmsegmentation's multi-scale evaluation."""

SAVED: Final = ("label_ids", "labels", "overlays", "soft")
"""Names of what can be written of each frame, the keys of `segada.evaluation.export.KINDS`."""
