"""Inspection of data folders: `python -m segada.data check` and `cache`."""
