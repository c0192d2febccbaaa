"""Transforms of frames: crops, augmentation, style."""
