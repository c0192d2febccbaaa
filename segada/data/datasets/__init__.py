"""Data sets: one published folder layout per module, and how files become frames."""
