"""The study file: its schema, how it is read, and what is checked before a study starts."""
