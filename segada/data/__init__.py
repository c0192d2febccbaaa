"""Data sets, one layout one file, and what is done to frames before the network sees them."""
