"""Benchmarks of the engine: rendering, loading, steps, ensembles."""
