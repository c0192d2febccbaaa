"""Whole networks of other libraries and of the user, each with its builder."""
