"""End of a search whose configurations have all been tried, recorded in the study."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from hpo.study.attributes import EXHAUSTED


@dataclass(frozen=True)
class Exhaustion:
    """End of a search before its budget is spent.

    Attributes:
        configurations: Number of configurations, all of which were tried.
        trials: Number of trials when this was recorded; with more trials it has to be looked at again.
        sampler: Settings of the sampler whose selection of configurations this is; None if it is the whole space.
    """

    configurations: int
    trials: int
    sampler: Mapping[str, JsonValue] | None = None

    def __str__(self) -> str:
        whole = "the space" if self.sampler is None else f"the sampler {self.sampler['name']}"
        several = (
            f"all {self.configurations} configurations of" if self.configurations > 1 else "the one configuration of"
        )
        verb = "have" if self.configurations > 1 else "has"
        return f"the search space is exhausted: {several} {whole} {verb} been tried"

    def record(self) -> dict[str, JsonValue]:
        """Returns the value of the study's attribute."""
        return {
            "configurations": self.configurations,
            "trials": self.trials,
            "sampler": None if self.sampler is None else dict(self.sampler),
        }


def recorded_exhaustion(
    attributes: Mapping[str, Any], trials: int, sampler: Mapping[str, object] | None
) -> Exhaustion | None:
    """Returns the recorded end of a search; None if there is none, or if trials or sampler have changed since.

    Args:
        attributes: system attributes of the study.
        trials: number of its trials now, in any state.
        sampler: settings of its sampler now; None if they are unknown.
    """
    kept = attributes.get(EXHAUSTED)
    if kept is None:
        return None
    found = Exhaustion(kept["configurations"], kept["trials"], kept["sampler"])
    is_of_now = found.sampler is None or sampler is None or found.sampler == sampler
    return found if found.trials == trials and is_of_now else None
