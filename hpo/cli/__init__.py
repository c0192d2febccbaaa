"""Command lines of `hpo`: the console script and the options that several commands have. Imports no heavy library."""
