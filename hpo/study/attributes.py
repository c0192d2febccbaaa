"""Names of the attributes that a study adds to its Optuna storage.

User attributes are what people read in optuna-dashboard, under plain names. Bookkeeping is in system attributes, which
the dashboard does not show; their names begin with `OURS`.
"""

from typing import Final

import optuna
from pydantic import JsonValue

from hpo.samplers.history import OURS

HASH = f"{OURS}configuration"
"""System attribute of every trial: `Configuration.hash`."""
TAKEN_OVER = "taken over from"
"""User attribute of a trial that is a result of a former study: the folder of that study, and its trial's number."""
REASON = "reason"
"""User attribute of a failed or pruned trial: the reason, in one line."""
INCIDENTS = "incidents"
"""User attribute of a trial that continued after incidents, such as the death of its worker: one line each."""
MIOU = "mIoU {domain}"
"""User attribute of a finished trial for each scored domain: its mIoU, as in the metric `miou/<domain>`."""
SO_FAR = "after visit {visits}"
"""User attribute of a trial with several objectives, for each visit: their values so far, by name. Optuna keeps
intermediate values of a single objective only.
"""
EXHAUSTED = f"{OURS}exhausted"
"""System attribute of a study whose configurations have all been tried; see `hpo.study.exhaustion`."""
FOLDER = f"{OURS}folder"
"""System attribute of a study in a database: the content of `study.id` in its run folder, and the folder's path."""
CLOSED = f"{OURS}closed"
"""System attribute of a study whose `budget.hours` are over: the budget to which this applies."""
ORIGIN: Final = "origin"
"""User attribute of a trial: who chose its point, one of `hpo.study.origin`."""
RETRY_OF: Final = "retry of"
"""User attribute of a trial that repeats a failed one, outside the budget: the number of that one."""
ENDED: Final = f"{OURS}ended_by_driver"
"""System attribute of a trial whose end a driver or a command of this program recorded, and no other program."""
IDENTITY: Final = f"{OURS}identity"
"""System attribute of a study: the sections of its study file that identify it."""
FOLDER_ID = "study.id"


def identity_of(study: optuna.Study) -> dict[str, JsonValue]:
    """Returns the sections of the study file that identify a study; empty for a study of another program."""
    found = system_attributes(study).get(IDENTITY)
    return found if isinstance(found, dict) else {}


def system_attributes(study: optuna.Study) -> dict[str, JsonValue]:
    """Returns the system attributes of a study: Optuna's, those of samplers, and those of this package."""
    found: dict[str, JsonValue] = study._storage.get_study_system_attrs(study._study_id)
    return found
