"""Data sets: one published folder layout per module, and the decoding of files into frames."""
