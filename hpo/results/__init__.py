"""The results of a study, read from its storage and its folders, and their statistics."""
