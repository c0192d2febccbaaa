"""Names of the attributes that a study adds to its Optuna storage."""

from typing import Final

REASON = "reason"
"""User attribute of a failed trial: the reason, in one line."""
INCIDENTS = "incidents"
"""User attribute of a trial that continued after incidents, such as the death of its worker: one line each."""
ORIGIN: Final = "origin"
"""User attribute of a trial: who chose its point, one of `hpo.study.origin`."""
RETRY_OF: Final = "retry_of"
"""User attribute of a trial that repeats a failed one, outside the budget: the number of that one."""
ENDED: Final = "ended_by_driver"
"""System attribute of a trial whose end a driver or a command of this program recorded, and no other program."""
IDENTITY = "identity"
"""User attribute of a study: the sections of its study file that identify it."""
FOLDER = "folder"
"""User attribute of a study in a database: the content of `study.id` in its run folder, and the folder's path."""
FOLDER_ID = "study.id"
