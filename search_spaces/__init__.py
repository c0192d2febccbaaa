"""Shipped studies and comparisons: `hpo.run --space NAME` and `hpo.compare NAME` find them by their bare names."""
