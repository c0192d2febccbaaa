"""Evaluation of networks on labelled frames, and label-free scores."""
