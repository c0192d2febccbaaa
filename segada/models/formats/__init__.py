"""Checkpoint formats of other code bases: one module per format, with its translation of names to ours."""
