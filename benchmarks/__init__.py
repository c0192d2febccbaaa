"""Developers' tools, run from a checkout as `python -m benchmarks...`; they are not part of the wheel."""
