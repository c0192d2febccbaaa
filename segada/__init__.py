"""The adaptation engine: runs one segmentation model over one stream of weather. Importing it loads no torch."""

from segada.cli.interruption import end_while_importing

__version__ = "0.1.0"

end_while_importing()
