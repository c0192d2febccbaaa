"""Heads: from the encoder's features to class logits."""
