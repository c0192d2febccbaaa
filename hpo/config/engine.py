"""Settings of an external engine: a program, or a function, that a study runs in place of `segada adapt`."""

import re
from collections.abc import Mapping, Set
from typing import Annotated, Final, Literal, Self

from pydantic import Field, JsonValue, model_validator

from hpo.config.free_settings import PLACEHOLDERS, placeholders
from segada.settings.base import NonNegative, PathText, Positive, Seed, Sequence, Settings
from segada.settings.limits import NAME

Style = Literal["yaml", "json", "mmseg-options", "flags"]
OPTIONS: Final = ("mmseg-options", "flags")
"""Forms in which `{settings}` is a number of words, not the path of a file."""
SECRET: Final = re.compile(r"(^|_)(API)?(KEY|TOKEN|SECRET|PASSPHRASE|CREDENTIALS)$|(PASSWORD|PASSWD)$", re.IGNORECASE)
"""Names of environment variables whose values are secrets."""
DomainName = Annotated[str, Field(pattern=r"^[\w.-]+$", max_length=NAME)]
BaselineName = Annotated[str, Field(pattern=r"^[A-Za-z][\w.-]*$", max_length=NAME)]


class EngineSettings(Settings):
    """Settings of an external engine; `docs/external_engine.md` describes what its program writes."""

    command: Sequence[str] = ()
    """Words of the command that runs one trial. `{settings}`, `{folder}`, `{seed}`, `{split}`, `{visits}` and
    `{resume}` stand for what differs between runs. No shell reads them.
    """
    function: str | None = None
    """Function in place of a command, as `module:function` or `./file.py:function`, the file seen from the study file.
    It runs in a process of its own and yields a mapping per visit.
    """
    env: dict[str, str] = Field(default_factory=dict)
    """Environment variables of the program, beside those of the worker; values may have placeholders. The names of
    secrets are refused, since values are written into the files of the study.
    """
    settings: Style = "yaml"
    """Form of `{settings}`: the path of a YAML or JSON file, or words: `a.b=1` as after `--cfg-options` of mmseg, or
    flags `--a.b=1`. Words hold what differs from `defaults`.
    """
    defaults: PathText | None = None
    """YAML or JSON file with the program's own default settings, seen from the study file; null if it has none here.
    With it, a parameter must be one of its settings.
    """
    json_schema: PathText | None = None
    """JSON schema of the program's settings, against which configurations are checked; null checks nothing."""
    baselines: dict[BaselineName, dict[str, JsonValue]] = Field(default_factory=dict)
    """Settings by name of a baseline, nested or by dotted path, over `run`. Gains are counted from the first. Without
    any, no gain is claimed.
    """
    visits: Sequence[DomainName] = Field(min_length=1)
    """Domains in the order in which a run visits them; one line of the program for each."""
    domains: Sequence[DomainName] = ()
    """Further domains whose mIoU the program reports."""
    prefix: str | None = Field(default=None, min_length=1)
    """Text before each visit that the program prints, such as `VISIT `; null if it appends to `{folder}/visits.jsonl`.
    """
    resume: Sequence[str] = ("--resume",)
    """Words for which `{resume}` stands when a run starts again in its folder; none when it starts first."""
    areas: bool = False
    """Whether the program writes `{folder}/areas.npz`, from which intervals over frames are computed; `recording0` and
    so on in it say which frames are of one recording, and correlated."""
    seed: Seed = 0
    """Seed of the search; the confirmation takes the next ones."""
    hours: Positive | None = None
    """Longest time of a run, in hours of wall time since its last start; null sets no limit."""
    silent_hours: Positive = 1.0
    """Longest time without a visit and without output, in hours, before a run counts as failed."""
    grace: NonNegative = 30.0
    """Seconds between SIGTERM and SIGKILL when a run is ended."""

    @property
    def words(self) -> tuple[str, ...]:
        """Words and values of the environment, in which placeholders may stand."""
        return tuple(word for _, word in self._places)

    def uses(self, placeholder: str) -> bool:
        """Returns True if the run is told what a placeholder stands for; a function is told everything."""
        return self.function is not None or any(placeholder in placeholders(word) for word in self.words)

    @property
    def _places(self) -> list[tuple[str, str]]:
        return [("command", word) for word in self.command] + [("env", word) for word in self.env.values()]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.command) == (self.function is not None):
            raise ValueError("needs one of command and function")
        if self.function is not None and self.prefix is not None:
            raise ValueError("engine.prefix is for visits that a command prints, but engine.function yields them")
        secret = next(filter(SECRET.search, self.env), None)
        if secret is not None:
            raise ValueError(
                f"engine.env has {secret}, a secret by its name, which the study's files would show; {_PRIVATE}"
            )
        for name, reason in _NEEDED.items():
            if not self.uses(name):
                raise ValueError(f"engine.command has no {{{name}}}, {reason}")
        several = {"resume", *(["settings"] if self.settings in OPTIONS else [])}
        for key, word in self._places:
            for name in placeholders(word):
                self._check_placeholder(name, key, word, several)
        return self

    def _check_placeholder(self, name: str, key: str, word: str, several: Set[str]) -> None:
        if name not in PLACEHOLDERS:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise ValueError(f"engine.{key} has the unknown placeholder {{{name}}} in {word!r}; known are {known}")
        if name in several and (key == "env" or word != f"{{{name}}}"):
            cure = "write it as a word of its own in command"
            raise ValueError(f"engine.{key} has {word!r}, but {{{name}}} stands for any number of words; {cure}")


_PRIVATE: Final = (
    "remove it, and let the program read a file that only you can read, such as the ~/.netrc of wandb login"
)
_NEEDED: Mapping[str, str] = {
    "settings": "so that all trials would be the same",
    "folder": "where a run leaves its visits",
    "seed": "by which the confirmation repeats a run; add it, as in --seed {seed}",
}
