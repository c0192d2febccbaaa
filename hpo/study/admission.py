"""Trials of a stored study that count, without its study file: for readers of a database whose folder is elsewhere."""

import optuna
from optuna.trial import FrozenTrial
from pydantic import TypeAdapter, ValidationError

from hpo.config.objectives import ConstraintSettings
from hpo.samplers.admitted import AdmittedStudy, excluded_trials
from hpo.search_space import Space
from hpo.search_space.conditions import Clauses
from hpo.search_space.kinds import Parameter
from hpo.study.attributes import identity_of
from hpo.study.origin import account

_SPACE: TypeAdapter[dict[str, Parameter]] = TypeAdapter(dict[str, Parameter])
_FORBIDDEN = TypeAdapter(list[Clauses])
_CONSTRAINTS = TypeAdapter(list[ConstraintSettings])


def admitted_of(optuna_study: optuna.Study) -> AdmittedStudy | None:
    """Returns a study without the trials that do not count; None if its identity is not of this version."""
    attributes, identity = optuna_study.user_attrs, identity_of(optuna_study)
    try:
        space = Space(_SPACE.validate_python(identity["space"]), _FORBIDDEN.validate_python(identity["forbidden"]))
        constraints = _CONSTRAINTS.validate_python(identity["constraints"])
    except (KeyError, ValidationError):
        return None
    limits = [constraint.text for constraint in constraints]
    return AdmittedStudy(optuna_study, space, limits, excluded_trials(attributes))


def note_on(trial: FrozenTrial, admitted: AdmittedStudy | None) -> str:
    """Returns what distinguishes a complete trial from a result of this study; empty if nothing does."""
    left_out = "" if admitted is None else admitted.left_out(trial)
    return "; ".join(text for text in (account(trial), left_out) if text)
