"""The adaptation engine: runs one segmentation model over one stream of weather. Importing it loads no torch."""

__version__ = "0.1.0"
