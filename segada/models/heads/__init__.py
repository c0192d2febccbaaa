"""Heads: class logits from the encoder's feature maps."""
