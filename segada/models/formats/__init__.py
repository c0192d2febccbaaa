"""Checkpoints of other code bases: one format one file, each from its names to ours."""
