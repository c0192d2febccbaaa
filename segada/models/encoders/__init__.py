"""Encoders: Mix Transformers and the feature pyramids of timm."""
