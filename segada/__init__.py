"""Adapts segmentation networks to new domains at test time. Importing it loads neither torch nor numpy.

Example:
    >>> import segada
    >>> segada.RunSettings().method.name
    'dacs'
    >>> sorted(segada.__all__)
    ['InputError', 'Run', 'RunReport', 'RunSettings', 'VisitRecord', '__version__', 'load_settings', 'run']
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from segada.cli.interruption import end_while_importing

if TYPE_CHECKING:
    from segada.engine.runner import Run
    from segada.engine.session import run
    from segada.errors import InputError
    from segada.records import RunReport, VisitRecord
    from segada.settings import RunSettings
    from segada.settings.files import load_run_settings as load_settings

__all__ = ["InputError", "Run", "RunReport", "RunSettings", "VisitRecord", "__version__", "load_settings", "run"]

__version__ = "0.1.0"

_PUBLIC = {
    "InputError": ("segada.errors", "InputError"),
    "Run": ("segada.engine.runner", "Run"),
    "RunReport": ("segada.records", "RunReport"),
    "RunSettings": ("segada.settings", "RunSettings"),
    "VisitRecord": ("segada.records", "VisitRecord"),
    "load_settings": ("segada.settings.files", "load_run_settings"),
    "run": ("segada.engine.session", "run"),
}
"""Module and name of what is imported when it is first used."""

end_while_importing()


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    found = globals()[name] = getattr(import_module(module), attribute)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
