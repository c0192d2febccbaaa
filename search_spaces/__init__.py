"""Studies and comparisons that are shipped: `hpo.run --space NAME` and `hpo.compare NAME` find them by their bare names."""
