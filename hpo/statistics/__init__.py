"""Statistics of correlated frames and of few seeds."""
