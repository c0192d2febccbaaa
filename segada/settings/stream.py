"""The ordered visits to target domains, and the source data replayed beside them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from segada.settings.base import Count, Sequence, Settings
from segada.settings.limits import VISITS


class ReplaySettings(Settings):
    """The buffer of labelled source frames that is replayed during adaptation."""

    size: Count = 500
    """Frames kept; at most as many as the source domain has."""
    policy: Literal["uniform", "rare_class"] = "uniform"
    """`rare_class` draws a class first, rare ones more often, then a frame that shows it (DAFormer)."""
    temperature: Annotated[float, Field(ge=1e-6)] = 0.01
    """Of the softmax over (1 - class frequency); smaller prefers rare classes more. Only with `rare_class`."""
    min_pixels: Count = 30
    """A frame shows a class if it has at least this many pixels of it. Only with `rare_class`."""


class StreamSettings(Settings):
    """What the model meets, in order."""

    source: str = "clear"
    """The labelled domain that the model was trained on."""
    visits: Sequence[str] = Field(
        default=("clear", "25mm", "50mm", "75mm", "100mm", "200mm"), min_length=1, max_length=VISITS
    )
    """Domains in the order they are driven through; a domain may return."""
    route: Literal["forward", "forward_and_back"] = "forward"
    """`forward_and_back` turns round at the last of `visits` and drives back to the first."""
    rounds: Count = 1
    """Times that the route is driven."""
    split: Literal["adapt", "source"] = "adapt"
    """Which frames of a visited domain are passed over; `source` for pre-training, which visits what it learns from."""
    frames: Count | None = 120
    """Frames of one pass, at most as many as the domain has; null takes all. A later visit goes on where the drive has
    got to."""
    passes: Count = 1
    """Times that a visit goes over its frames."""
    batch_size: Count = 4
    """Target frames, and as many source frames, per step."""
    replay: ReplaySettings = ReplaySettings()

    @model_validator(mode="after")
    def _drive_has_an_end(self) -> Self:
        one_way = len(self.visits)
        visits = self.rounds * (2 * one_way - 1 if self.route == "forward_and_back" else one_way)
        if visits > VISITS:
            raise ValueError(
                f"stream.rounds is {self.rounds}, which makes {visits:,} visits, but a run has at most {VISITS:,}; "
                "drive fewer"
            )
        return self

    @model_validator(mode="after")
    def _there_is_a_way_back(self) -> Self:
        if self.route == "forward_and_back" and len(self.visits) == 1:
            raise ValueError(
                f"stream.route is 'forward_and_back', but stream.visits has {self.visits[0]!r} alone, from which "
                "nothing leads back; name more domains, or set stream.route to forward"
            )
        return self

    def all_visits(self) -> tuple[str, ...]:
        """The domains of all visits of the run, in order: `visits` along the route, as often as there are rounds."""
        back = self.visits[-2::-1] if self.route == "forward_and_back" else ()
        return (*self.visits, *back) * self.rounds
