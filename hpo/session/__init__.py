"""One driver's session on a study, from opening the study to its report: the command `hpo run` and `hpo.search`."""
