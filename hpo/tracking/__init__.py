"""Logging of studies to W&B through a separate process, which alone waits for its server."""
