"""The state of a running study: terminal, status command, Prometheus metrics."""
