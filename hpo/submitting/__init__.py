"""A study sent to a cluster: what travels, and what is run there."""
