"""Adaptation methods, one paper one file."""
