"""Names under which a study keeps, in its storage, what Optuna has no place for."""

REASON = "reason"
"""User attribute of a failed trial: why, in one line."""
INCIDENTS = "incidents"
"""User attribute of a trial that went on after something had happened to it: what, each in one line."""
FOLDER = "folder"
"""User attribute of a study in a database: the word in `study.id` of the folder of its results, and its path."""
FOLDER_ID = "study.id"
