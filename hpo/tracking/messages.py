"""What the main job tells the process that talks to wandb: a JSON object a line."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, TypeAdapter

from segada.records import Record, RunReport, VisitRecord


class Opened(Record):
    """A trial starts, or goes on after an interruption."""

    kind: Literal["opened"] = "opened"
    name: str
    folder: str
    """Of its results."""
    config: dict[str, JsonValue]
    """Its settings, nested."""


class Visited(Record):
    """Visits of a trial are over; some may have been told before."""

    kind: Literal["visited"] = "visited"
    name: str
    visits: list[VisitRecord]


class Left(Record):
    """Another driver goes on with a trial."""

    kind: Literal["left"] = "left"
    name: str


class Ended(Record):
    """A trial is over."""

    kind: Literal["ended"] = "ended"
    name: str
    state: Literal["complete", "pruned", "fail"]
    reason: str
    report: RunReport | None
    """Without its visits."""
    frames_per_second: float | None
    """Mean over visits."""
    objectives: dict[str, float | None]
    """By their keys in the summary; null where one is not finite. Empty unless the trial is complete."""


class Concluded(Record):
    """The session is over, and this is what the study has found so far."""

    kind: Literal["concluded"] = "concluded"
    config: dict[str, JsonValue]
    """The study file, every default filled in."""
    columns: list[str]
    rows: list[list[JsonValue]]
    """The leaderboard, best first."""
    summary: dict[str, JsonValue]
    winner: str | None
    """Folder of the confirmed winner's weights and settings."""


Message = Annotated[Opened | Visited | Left | Ended | Concluded, Field(discriminator="kind")]
ANY_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)
