"""Configuration: one point of a search space, as the settings that a trial changes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from segada.settings.nested import Tree, Value, merged, nested
from segada.settings.presets import spelled_out
from segada.settings.run import RunSettings, with_names


@dataclass(frozen=True)
class Configuration:
    """Values of the active parameters by path in `RunSettings`; inactive parameters are absent."""

    values: Mapping[str, Value]

    @property
    def overrides(self) -> Tree:
        """Values nested as in `RunSettings`; a preset among them has lower priority than the other values."""
        return spelled_out(nested(self.values))

    @property
    def hash(self) -> str:
        """Ten hexadecimal digits that are equal exactly if the values are equal, in any order."""
        canonical = json.dumps(dict(self.values), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:10]

    def settings(self, run: Tree, overrides: Tree | None = None) -> RunSettings:
        """Merges the study's fixed settings `run`, these values and `overrides`, in increasing priority.

        Raises:
            pydantic.ValidationError: the values contradict each other.
        """
        return RunSettings.model_validate(merged(merged(with_names(run), self.overrides), overrides or {}))

    def __str__(self) -> str:
        return ", ".join(f"{path}={json.dumps(value)}" for path, value in self.values.items()) or "nothing changed"
