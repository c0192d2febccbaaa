"""Command line: options, exit codes, signals, progress."""
