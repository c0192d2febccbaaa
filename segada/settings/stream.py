"""The ordered visits to target domains, and the source data replayed beside them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from segada.settings.base import Count, Sequence, Settings
from segada.settings.follow import FollowSettings
from segada.settings.limits import VISITS


class ReplaySettings(Settings):
    """Buffer of labelled source frames that are replayed during adaptation."""

    size: Count = 500
    """Number of frames kept; at most the number of frames of the source domain."""
    fill: Literal["uniform", "rare_class"] = "uniform"
    """Policy of filling the buffer where the source domain has more frames. `uniform`: drawn at random. `rare_class`:
    frames that show rare classes first, as in Hamlet; the labels of all source frames are read once."""
    policy: Literal["uniform", "rare_class"] = "uniform"
    """Policy of drawing frames. `uniform`: all alike. `rare_class`: draws a class first, rare ones more often, then a
    frame that shows it (DAFormer)."""
    temperature: Annotated[float, Field(ge=1e-6)] = 0.01
    """Temperature of the softmax over (1 - class frequency); smaller values prefer rare classes more. Only with
    `rare_class`."""
    min_pixels: Count = 30
    """Number of pixels of a class from which a frame counts as showing it. Only with `rare_class`."""


class StreamSettings(Settings):
    """The sequence of domains and frames that the model is adapted on."""

    source: str | None = "clear"
    """Labelled domain that the model was trained on. Null: its frames are gone, and only methods that need none can
    run: `source_only`, `batch_norm`, and `tent`, `sar`, `cotta`, `svdp` and `rotta` without `method.consolidation`."""
    visits: Sequence[str] = Field(
        default=("clear", "25mm", "50mm", "75mm", "100mm", "200mm"), min_length=1, max_length=VISITS
    )
    """Domains in the order in which they are visited; a domain may be repeated."""
    route: Literal["forward", "forward_and_back"] = "forward"
    """Order of the visits. `forward`: as listed. `forward_and_back`: as listed, then back from the last of `visits` to
    the first."""
    rounds: Count = 1
    """Number of times that the route is repeated."""
    split: Literal["adapt", "source"] = "adapt"
    """Split of a visited domain whose frames are used: `adapt`, or `source` for pre-training, which visits the source
    frames."""
    frames: Count | None = 120
    """Number of frames of one pass, at most the number that the domain has; null takes all. Each visit continues after
    the frames of all visits before it, regardless of their domains, and starts over at the end of its domain."""
    passes: Count = 1
    """Number of times that a visit goes over its frames."""
    batch_size: Count = 4
    """Number of target frames per step, and of source frames replayed beside them."""
    replay: ReplaySettings = ReplaySettings()
    follow: FollowSettings | None = None
    """Settings of a stream without an end, of one domain of image files without labels, with `frames` null; null if the
    frames are there when the run begins."""

    @model_validator(mode="after")
    def _what_has_no_end_is_driven_once(self) -> Self:
        needed = {"frames": None, "passes": 1, "rounds": 1, "route": "forward", "split": "adapt"}
        wrong = next((name for name, value in needed.items() if getattr(self, name) != value), None)
        if self.follow is not None and wrong is not None:
            value = "null" if needed[wrong] is None else needed[wrong]
            raise ValueError(
                f"stream.follow is given, but stream.{wrong} is {getattr(self, wrong)!r}, and the stream has no end; "
                f"set stream.{wrong} to {value}, or leave stream.follow out"
            )
        if self.follow is not None and len(self.visits) > 1:
            raise ValueError(
                f"stream.follow is given, but stream.visits names {len(self.visits)} domains, and the first has no "
                "end; name that one alone"
            )
        return self

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
                f"stream.route is 'forward_and_back', but stream.visits has only {self.visits[0]!r}, from "
                "which there is no way back; name more domains, or set stream.route to forward"
            )
        return self

    def all_visits(self) -> tuple[str, ...]:
        """Returns the domains of all visits of the run, in order: `visits` along the route, repeated for each round."""
        back = self.visits[-2::-1] if self.route == "forward_and_back" else ()
        return (*self.visits, *back) * self.rounds
