"""Procedural streets: rendered images with labels and depth."""
