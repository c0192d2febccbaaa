"""The order of runs: decides which run starts next. Knows no Ray."""
