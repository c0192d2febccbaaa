"""Building blocks without knowledge of segmentation: atomic files, generators, timers."""
