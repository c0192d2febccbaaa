"""Base of encoders whose stages may have transformer blocks of timm."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import nn

from segada.models.encoders.base import Encoder
from segada.models.encoders.timm_blocks import PARTS, Calls, find_blocks, open_block, row_groups
from segada.models.encoders.transformer_block import TransformerBlock
from segada.settings.architectures import TIMM, WITH_BLOCKS

PROBED = (64, 64)
"""Height and width of the image that shows how blocks compute."""


class BlockEncoder(Encoder):
    """Base of timm's encoders. Their blocks are found when they are asked for; a stage may have none.

    Attributes:
        name: Name of the model in timm.
        size: Height and width of the only images that the model can process; None if it can process all.
    """

    name: str
    size: tuple[int, int] | None = None
    _found: dict[str, int | str] | None = None

    def block_names(self, stage: int) -> list[str]:
        """Returns the dotted names, in the encoder, of the transformer blocks of a stage, counted from 0."""
        return [f"stages.{stage}.{name}" for name in find_blocks(self.stages[stage])]

    def blocks(self, stages: Sequence[int] = range(4)) -> Iterator[TransformerBlock]:
        """Yields the transformer blocks of some stages, counted from 0, in the order in which they run.

        Raises:
            ValueError: A stage has no blocks, or blocks that adapters cannot join.
        """
        self._check(stages)
        if self._found is None:
            self._found = self._row_groups()
        for name in [name for stage in stages for name in self.block_names(stage)]:
            groups = self._found[name]
            if isinstance(groups, str):
                raise ValueError(
                    f"adapter.name has no place in {name} of model.encoder {TIMM}{self.name}: {groups}; set "
                    f"adapter.name to none, or model.encoder to {WITH_BLOCKS}"
                )
            yield open_block(self.get_submodule(name), groups)

    def _check(self, stages: Sequence[int]) -> None:
        having = [stage for stage in range(len(self.stages)) if self.block_names(stage)]
        if not having:
            raise ValueError(
                f"adapter.name asks for transformer blocks (modules with {', '.join(PARTS)}), but model.encoder "
                f"{TIMM}{self.name} has none that are known; set adapter.name to none, or model.encoder to "
                f"{WITH_BLOCKS}"
            )
        absent = [stage for stage in stages if stage not in having]
        if absent:
            raise ValueError(
                f"adapter.stages names {absent[0]}, but of the stages of {TIMM}{self.name} only {_listed(having)} "
                f"have transformer blocks; choose among {_listed(having)}"
            )

    @torch.no_grad()
    def _row_groups(self) -> dict[str, int | str]:
        """Runs the encoder once and returns the result of `row_groups` for each block, by its name."""
        names = [name for stage in range(len(self.stages)) for name in self.block_names(stage)]
        blocks = {name: self.get_submodule(name) for name in names}
        weight = next(self.parameters())
        with evaluating(self), ExitStack() as stack:
            seen = {name: stack.enter_context(Calls(block, PARTS)) for name, block in blocks.items()}
            height, width = self.size or PROBED
            # Not constant, on which a norm would divide by zero.
            self(torch.linspace(-1.0, 1.0, 3 * height * width, device=weight.device).view(1, 3, height, width))
        with evaluating(self):
            return {name: row_groups(block, seen[name]) for name, block in blocks.items()}


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Puts a module and its parts into evaluation mode, and afterwards each back into its own."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training


def _listed(stages: Sequence[int]) -> str:
    return ", ".join(str(stage) for stage in stages)
