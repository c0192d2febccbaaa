"""One point of a space: the settings that a trial changes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from segada.settings.nested import Tree, Value, merged, nested
from segada.settings.presets import spelled_out
from segada.settings.run import RunSettings


@dataclass(frozen=True)
class Configuration:
    """Values of the active parameters by path into `RunSettings`; parameters that do not matter here are absent."""

    values: Mapping[str, Value]

    @property
    def overrides(self) -> Tree:
        """The same, nested as `RunSettings` is; a preset among them loses against the others."""
        return spelled_out(nested(self.values))

    @property
    def hash(self) -> str:
        """Ten hexadecimal digits that are the same exactly when the values are, in whatever order they were set."""
        canonical = json.dumps(dict(self.values), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:10]

    def settings(self, run: Tree, overrides: Tree | None = None) -> RunSettings:
        """Returns the run that these values make of the fixed settings of a study.

        Args:
            run: the fixed settings, without preset and every section with its name, as `with_names` makes them.
            overrides: settings that win over both.

        Raises:
            pydantic.ValidationError: the values contradict each other.
        """
        return RunSettings.model_validate(merged(merged(run, self.overrides), overrides or {}))

    def __str__(self) -> str:
        return ", ".join(f"{path}={json.dumps(value)}" for path, value in self.values.items()) or "nothing changed"
