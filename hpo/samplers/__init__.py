"""Samplers, which propose the configurations of a study."""
