"""The cache of decoded frames."""
