"""The journal of a study: its file, its operations, and its recovery."""
