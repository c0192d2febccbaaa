"""Settings of one run of a study, whichever engine runs it."""

from collections.abc import Sequence
from typing import Any, Protocol

from hpo.config.program import ProgramRun
from segada.settings.nested import Tree


class Route(Protocol):
    """Domains of a run."""

    @property
    def source(self) -> str | None:
        """Domain of the source model; None if there is none, or it is not known."""

    @property
    def visits(self) -> Sequence[str]:
        """Domains in the order of one pass."""

    def all_visits(self) -> tuple[str, ...]:
        """Returns the domains in the order of all visits."""


class AnyRun(Protocol):
    """Settings of one run, of `segada` or of an external engine."""

    @property
    def seed(self) -> int:
        """Seed of the run."""

    @property
    def stream(self) -> Route:
        """Domains that the run visits."""

    def scored_domains(self) -> tuple[str, ...]:
        """Returns the domains whose mIoU is reported."""

    def rendered_domains(self) -> tuple[str, ...]:
        """Returns the visited domains that are known to be rendered."""

    def settings_hash(self) -> str:
        """Returns ten hexadecimal digits that identify the settings that affect the run's numbers."""

    def model_dump(self, *, mode: str) -> dict[str, Any]:
        """Returns the settings as nested dictionaries."""

    def model_dump_json(self) -> str:
        """Returns the settings as JSON."""


def searched_tree(run: AnyRun) -> Tree:
    """Returns the settings in which the paths of a space lead to their values."""
    return run.values if isinstance(run, ProgramRun) else run.model_dump(mode="json")
