"""Benchmarks of the search: quality and latency of samplers' proposals, overhead, and fault injection."""
