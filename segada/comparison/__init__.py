"""What a comparison of methods is made of: its recipe, its runs, and the tables."""
