"""Search for the settings under which a segmentation network adapts best.

The public API, loaded when it is used: importing `hpo` loads none of torch, ray and optuna.

Example:
    >>> import hpo
    >>> study = hpo.load_study("ga_dacs.yaml", {"budget.trials": 12})
    >>> results = hpo.search(study, out="runs/short")
    >>> print(results.best, results.report)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from segada import __version__
from segada.cli.interruption import end_while_importing

if TYPE_CHECKING:
    from hpo.config.study_file import StudyFile, load_study
    from hpo.results.results import StudyResults, TrialResult
    from hpo.session.search import load_results, search
    from segada.errors import InputError

__all__ = [
    "InputError",
    "StudyFile",
    "StudyResults",
    "TrialResult",
    "__version__",
    "load_results",
    "load_study",
    "search",
]

_MODULES: Final = {
    "InputError": "segada.errors",
    "StudyFile": "hpo.config.study_file",
    "StudyResults": "hpo.results.results",
    "TrialResult": "hpo.results.results",
    "load_results": "hpo.session.search",
    "load_study": "hpo.config.study_file",
    "search": "hpo.session.search",
}
"""Module of each public name."""


def __getattr__(name: str) -> object:
    """Imports a public name when it is used first."""
    if name not in _MODULES:
        raise AttributeError(f"module 'hpo' has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Lists the public names."""
    return sorted(__all__)


end_while_importing()
