"""The command line: options, exit codes, signals, progress."""
