"""Studies with an external engine for tests."""

import sys
from pathlib import Path
from typing import Any

from hpo.config.program_study import ProgramStudy
from hpo.config.study_file import StudyFile

PROGRAM = Path(__file__).with_name("external_program.py")


def tree(engine: dict[str, Any] | None = None, **sections: Any) -> dict[str, Any]:
    """Study as nested dictionaries."""
    command = [sys.executable, str(PROGRAM), "{settings}", "{folder}", "{seed}", "{split}", "{resume}"]
    base = {"command": command, "settings": "json", "visits": ["fog", "night", "rain"], "grace": 0.2}
    return {
        "name": "external",
        "engine": {**base, **(engine or {})},
        "run": {"quality": 0.5},
        "space": {"quality": {"type": "float", "low": 0.1, "high": 0.9, "default": 0.3}},
        "sampler": {"name": "random", "seed": 0},
        "confirm": {"top": 1, "seeds": 2},
        **sections,
    }


def study(engine: dict[str, Any] | None = None, **sections: Any) -> ProgramStudy:
    """The same, checked."""
    found = StudyFile.from_dict(tree(engine, **sections))
    assert isinstance(found, ProgramStudy)
    return found
