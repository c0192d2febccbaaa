"""Samplers: what proposes the configurations of a study."""
