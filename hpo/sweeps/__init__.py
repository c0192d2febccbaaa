"""Sweeps of W&B: their files as studies, studies as their files, and one run of an agent."""
