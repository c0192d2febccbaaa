"""Contracts of samplers, pruners and metrics, as checks of our own parts and of yours: `python -m hpo.testing NAME`."""
