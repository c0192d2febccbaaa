"""Benchmarks of the search: how good the proposals of samplers are, and how long they take."""
