"""Data: data sets, one module per layout, and the transforms of frames before the network."""
