"""The studies that are shipped with the package; `hpo.run --space NAME` finds them by their bare name."""
