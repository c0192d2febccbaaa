"""Contracts of the parts of a run, as checks of our own parts and of yours: `python -m segada.testing MODULE:NAME`."""
