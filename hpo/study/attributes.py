"""Names of the attributes that a study adds to its Optuna storage."""

REASON = "reason"
"""User attribute of a failed trial: the reason, in one line."""
INCIDENTS = "incidents"
"""User attribute of a trial that continued after incidents, such as the death of its worker: one line each."""
FOLDER = "folder"
"""User attribute of a study in a database: the content of `study.id` in its run folder, and the folder's path."""
FOLDER_ID = "study.id"
