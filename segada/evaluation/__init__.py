"""Scores: confusion, held-out evaluation per visit."""
