"""The engine: runs one model over one stream of domains and reports its scores."""
