"""Runs of an external engine: its program, what the program reports, and its end."""
