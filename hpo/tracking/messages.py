"""Messages from the driver to the W&B process, one JSON object per line."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter

from segada.records import Record, RunReport, VisitRecord


class Opened(Record):
    """Start of a trial, baseline or confirmation run, or its resumption after an interruption."""

    kind: Literal["opened"] = "opened"
    name: str
    job_type: str
    """Kind of the job, which W&B shows as the type of the run."""
    folder: str
    """Folder of its results."""
    config: dict[str, JsonValue]
    """Nested settings of the run."""


class Visited(Record):
    """Completed visits of a run; some may have been sent before."""

    kind: Literal["visited"] = "visited"
    name: str
    visits: list[VisitRecord]


class Left(Record):
    """Takeover of a run by another driver."""

    kind: Literal["left"] = "left"
    name: str


class Ended(Record):
    """End of a run."""

    kind: Literal["ended"] = "ended"
    name: str
    state: Literal["complete", "pruned", "fail"]
    reason: str
    report: RunReport | None
    """Report without its visits."""
    frames_per_second: float | None
    """Mean frames per second over visits."""
    objectives: dict[str, float | None]
    """Objective values by their keys in the summary; null if not finite. Empty unless the run is complete."""


class Concluded(Record):
    """End of the session, with the results of the study so far."""

    kind: Literal["concluded"] = "concluded"
    config: dict[str, JsonValue]
    """Study file with every default filled in."""
    columns: list[str]
    rows: list[list[JsonValue]]
    """Rows of the leaderboard, best first."""
    summary: dict[str, JsonValue]
    winner: str | None
    """Folder of the confirmed winner's weights and settings."""


Message = Annotated[Opened | Visited | Left | Ended | Concluded, Field(discriminator="kind")]
ANY_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)
