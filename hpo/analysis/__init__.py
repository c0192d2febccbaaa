"""What the results of a study say beyond their best: correlations and tables."""
