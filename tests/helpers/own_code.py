"""Code of a user in every role, as small as it can be; tests name it by the path of this file."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from segada.controllers.base import Controller, ControllerParts, StepPlan, StepView
from segada.data.batch import Batch
from segada.data.splits import Split
from segada.data.synthetic.streets import Streets
from segada.evaluation.label_free import ScoreInputs
from segada.methods.base import Method, MethodParts, State, StepLog
from segada.models.adapters.lora import insert_lora
from segada.models.adapters.visual_prompt import place_visual_prompt
from segada.models.encoders.base import Encoder, Guide
from segada.models.encoders.mix_block import Block
from segada.models.encoders.mix_transformer import MixTransformer
from segada.models.heads.segformer import SegFormerHead
from segada.models.learning import learning_parameters
from segada.models.segmentor import Segmentor
from segada.records import RunReport
from segada.settings.adapter import LoraSettings, PlacedSettings
from segada.settings.base import Count, Fraction
from segada.settings.base import Settings as Base
from segada.settings.data import DataSettings
from segada.settings.domains import StreetsDomain
from segada.settings.image_adapter import VisualPromptSettings


class Shrink(Method):
    """Moves all that learns towards zero."""

    class Settings(Base):
        """Settings of the shrinking."""

        rate: Fraction = 0.01
        """Share of each weight that a step takes away."""
        every: Count = 1
        """Number of steps from one shrinking to the next."""

    def __init__(self, parts: MethodParts) -> None:
        self.settings = cast("Shrink.Settings", parts.settings.method)
        self.network, self.steps = parts.network, 0

    def step(self, target: Batch, plan: StepPlan) -> StepLog:  # noqa: ARG002
        if not plan.trains:
            return {}
        self.steps += 1
        held = [f"encoder.stages.{stage}." for stage in range(plan.first_stage)]
        held += [] if plan.trains_fusion else ["head."]
        named = learning_parameters(self.network)
        learning = [parameter for name, parameter in named.items() if not name.startswith(tuple(held))]
        with torch.no_grad():
            for parameter in learning if self.steps % self.settings.every == 0 else ():
                parameter.mul_(1.0 - self.settings.rate * plan.learning_rate_factor)
        return {"size": torch.stack([one.detach().square().mean() for one in learning]).mean()}

    @property
    def evaluated_network(self) -> Segmentor:
        return self.network

    def state_dict(self) -> State:
        return {"network": self.network.state_dict(), "steps": self.steps}

    def load_state_dict(self, state: State) -> None:
        self.network.load_state_dict(state["network"])
        self.steps = state["steps"]


class Alternating(Controller):
    """Learns in every second step."""

    def __init__(self, parts: ControllerParts) -> None:
        self.parts = parts

    def plan(self, view: StepView) -> StepPlan:
        return StepPlan(trains=view.number % 2 == 0)


class LowRank:
    """Adapter of low rank with a scale of its own."""

    class Settings(PlacedSettings):
        """Settings of the adapter."""

        rank: Count = 2
        """Rank of each update."""

    def __init__(self, block: Block, settings: Any, generator: torch.Generator) -> None:
        insert_lora(block, LoraSettings(name="lora", rank=settings.rank), generator)


def prompt(encoder: MixTransformer, settings: Any, generator: torch.Generator) -> None:
    """Places a visual prompt of fixed size."""
    place_visual_prompt(encoder, VisualPromptSettings(name="visual_prompt", stem_width=4), generator)


class Plain(Encoder):
    """Convolution and ReLU in each stage."""

    def __init__(self, drop_path: float, depth: torch.Generator, generator: torch.Generator) -> None:  # noqa: ARG002
        super().__init__()
        self.channels, self.generator = (8, 12, 16, 24), depth
        inputs = (3, *self.channels[:-1])
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, width, 2 * stride - 1, stride, stride - 1), nn.ReLU())
            for before, width, stride in zip(inputs, self.channels, (4, 2, 2, 2), strict=True)
        )
        for parameter in self.parameters():
            nn.init.normal_(parameter, 0.1, 0.1, generator=generator)

    def run(self, x: Tensor, first: int, end: int, guide: Guide | None = None) -> list[Tensor]:  # noqa: ARG002
        maps = []
        for stage in self.stages[first:end]:
            x = stage(x)
            maps.append(x)
        return maps


class Head(SegFormerHead):
    """SegFormer's head under another name."""


class Town:
    """Streets of a world that the settings name."""

    class Settings(Base):
        """Settings of the town."""

        world: Count = 3
        """Seed of the scenes."""

    recorded = False

    def _streets(self, domain: Any) -> StreetsDomain:
        return StreetsDomain(weather=domain.weather, world=domain.world)

    def listed(self, domain: Any, data: DataSettings, split: Split) -> Any:
        return Streets().listed(self._streets(domain), data, split)

    def open(self, domain: Any, data: DataSettings, split: Split) -> Any:
        return Streets().open(self._streets(domain), data, split)

    def labelled(self, domain: Any, data: DataSettings, split: Split) -> Any:
        return Streets().labelled(self._streets(domain), data, split)


TOWN = Town()


def brightness(inputs: ScoreInputs) -> Tensor:
    """Returns the mean of each image."""
    return inputs.images.mean(dim=(1, 2, 3))


brightness.direction = "maximize"  # type: ignore[attr-defined]


def mean_gain(report: RunReport) -> float:
    """Returns the mean gain of the visits over the source model."""
    return sum(visit.miou[visit.domain] - report.source_only[visit.domain] for visit in report.visits) / len(
        report.visits
    )


class Forgetful(Shrink):
    """Saves no network."""

    def state_dict(self) -> State:
        return {"steps": self.steps}

    def load_state_dict(self, state: State) -> None:
        self.steps = state["steps"]


class Eager(Shrink):
    """Learns whatever its plan says."""

    def step(self, target: Batch, plan: StepPlan) -> StepLog:
        return super().step(target, replace(plan, trains=True))


class Raising(Shrink):
    """Ends every step with an error."""

    def step(self, target: Batch, plan: StepPlan) -> StepLog:  # noqa: ARG002
        raise RuntimeError("no step today")


class Replaying(Shrink):
    """Asks for source frames."""

    def __init__(self, parts: MethodParts) -> None:
        super().__init__(parts)
        self.replay = parts.replay

    def step(self, target: Batch, plan: StepPlan) -> StepLog:
        self.replay.next_batch(2)
        return super().step(target, plan)


class Unfinished(Method):
    """Lacks everything."""


class Misdeclared(Shrink):
    """Has settings of the wrong kind."""

    Settings = int  # type: ignore[assignment]


def directionless(inputs: ScoreInputs) -> Tensor:
    """Says not which way is better."""
    return brightness(inputs)


def misshapen(inputs: ScoreInputs) -> Tensor:
    """Returns one number for all."""
    return brightness(inputs).mean()


misshapen.direction = "minimize"  # type: ignore[attr-defined]

FILE = Path(__file__)


def named(attribute: str) -> str:
    """Returns the name of an attribute of this file in settings."""
    return f"{FILE}:{attribute}"


def placed(stages: Sequence[int]) -> dict[str, object]:
    """Returns settings of the adapter in some stages."""
    return {"name": named("LowRank"), "stages": list(stages)}
