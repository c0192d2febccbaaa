"""Building blocks independent of segmentation: atomic files, generators, timers."""
