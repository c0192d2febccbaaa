"""One run of an external engine: what its program is told, and what it must report."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import Field, JsonValue

from hpo.config.engine import OPTIONS, EngineSettings, Style
from hpo.config.free_settings import leaves, with_values
from segada.settings.base import NonNegative, Number, Positive, Seed, Sequence, Settings
from segada.settings.nested import Tree, Value

PLACE: Final = "program"
"""Folder of the program in the folder of its run, `{folder}`."""
SETTINGS_FILES: Mapping[Style, str] = {"json": "settings.json"}
"""Name of the file of a run's settings, by their form; `settings.yaml` for the others."""


STARTS: Final = "starts.json"
"""File of the starts of a program, in the folder of its run."""
LOCK: Final = ".lock"
"""File that a program keeps locked while it is alive, in the folder of its run."""
RUN_FILES: Final = (STARTS, LOCK, *(f"{PLACE}/{name}" for name in ("settings.*", "visits.jsonl", "areas.npz", "")))
"""Patterns of files that a run of an external engine leaves beside those of a run of ours; the program's own are not
among them.
"""


class ProgramRoute(Settings):
    """Domains that a program visits, as `Route` has them."""

    visits: Sequence[str]
    domains: Sequence[str] = ()
    source: str | None = None

    def all_visits(self) -> tuple[str, ...]:
        """Returns the domains in the order of all visits."""
        return self.visits


class Limits(Settings):
    """Limits of a run that change no number."""

    hours: Positive | None
    silent_hours: Positive
    grace: NonNegative
    kills: Number
    """Number of times that a killed program is started again."""


class ProgramRun(Settings):
    """Settings of one run of an external engine, as `AnyRun` has them."""

    command: Sequence[str]
    function: str | None
    env: dict[str, str]
    style: Style
    values: dict[str, JsonValue]
    """The program's settings, nested, its defaults among them."""
    changes: dict[str, JsonValue] = Field(default_factory=dict)
    """Settings by dotted path that differ from the program's defaults."""
    seed: Seed
    split: str
    stream: ProgramRoute
    prefix: str | None
    resume: Sequence[str]
    areas: bool
    required: Sequence[str] = ()
    """Fields that each visit must have, because trials are judged by them."""
    limits: Limits
    directory: str
    """Working directory of the program."""

    def scored_domains(self) -> tuple[str, ...]:
        """Returns the domains whose mIoU the program reports."""
        return tuple(dict.fromkeys((*self.stream.visits, *self.stream.domains)))

    def rendered_domains(self) -> tuple[str, ...]:
        """Returns no domain: the program does not say which are rendered."""
        return ()

    def settings_hash(self) -> str:
        """Returns ten hexadecimal digits that identify the settings that affect the run's numbers."""
        left_out = {"limits", "directory", "prefix", "resume", "areas", "required", "changes"}
        canonical = json.dumps(self.model_dump(mode="json", exclude=left_out), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:10]

    @property
    def settings_file(self) -> str:
        """Name of the file of the program's settings in its folder."""
        return SETTINGS_FILES.get(self.style, "settings.yaml")

    def option_words(self) -> list[str]:
        """Returns the words for which `{settings}` stands in the forms that have words."""
        dashes = "--" if self.style == "flags" else ""
        return [f"{dashes}{path}={_word(value, self.style)}" for path, value in self.changes.items()]


@dataclass(frozen=True)
class Program:
    """Program of a study, from which its runs are made.

    Attributes:
        engine: Settings of the engine.
        run: The program's settings that all runs share, its defaults among them.
        defaults: The program's own defaults, which are not repeated as words.
        required: Fields that each visit must have.
        retries: Number of times that a killed program is started again.
    """

    engine: EngineSettings
    run: Tree
    defaults: Tree
    required: tuple[str, ...]
    retries: int

    def run_with(self, changes: Mapping[str, Value], split: str, seed: int | None) -> ProgramRun:
        """Builds the settings of a run.

        Args:
            changes: settings by path that this run changes.
            split: frames on which the run is evaluated.
            seed: seed of the run; None is that of the search.
        """
        engine = self.engine
        values = with_values(self.run, changes)
        known = dict(leaves(self.defaults))
        return ProgramRun(
            command=engine.command,
            function=engine.function,
            env=engine.env,
            # A function is called with its settings, which need no form.
            style="json" if engine.function is not None else engine.settings,
            values=values,
            changes={path: value for path, value in leaves(values) if path not in known or known[path] != value},
            seed=engine.seed if seed is None else seed,
            split=split,
            stream=ProgramRoute(visits=engine.visits, domains=engine.domains),
            prefix=engine.prefix,
            resume=engine.resume,
            areas=engine.areas,
            required=self.required,
            limits=Limits(hours=engine.hours, silent_hours=engine.silent_hours, grace=engine.grace, kills=self.retries),
            directory=str(Path.cwd()),
        )


def _word(value: Value, style: Style) -> str:
    if isinstance(value, list):
        inside = ",".join(_word(item, style) for item in value)
        return f"[{inside}]" if style in OPTIONS[:1] else inside
    if style in OPTIONS[:1]:
        return str(value)
    return value if isinstance(value, str) else json.dumps(value)
