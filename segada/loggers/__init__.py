"""Loggers: step logs, image panels and class tables of a run."""
