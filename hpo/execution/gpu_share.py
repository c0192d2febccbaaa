"""GPU fraction of a trial for `gpus_per_trial: auto`, from the measured memory of the default configuration."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import ray
from pydantic import PositiveInt, TypeAdapter
from ray.exceptions import RayTaskError

from hpo.execution.cluster import Cluster, Resources, fitting, kinds_of_gpus
from hpo.execution.trainable import measure_footprint
from segada.artifacts.run_files import Reading, read
from segada.core.atomic_io import keep_damaged, write_text
from segada.errors import InputError
from segada.settings import RunSettings

FILE = "gpu_share.json"
"""File in the run folder with the measured memory by type of GPU, so that each study measures once."""
USABLE = 0.9
"""Usable share of a GPU's memory: other configurations may take more than the default one, and memory fragments."""
_SHARES = TypeAdapter(dict[str, dict[Literal["used", "total"], PositiveInt]])
UNNAMED = "GPU"
"""Name for a GPU whose type Ray does not report."""


@dataclass(frozen=True)
class Share:
    """GPU memory that a trial takes.

    Attributes:
        kind: Type of the GPU.
        used: Memory of the default configuration in bytes.
        total: Memory of the GPU in bytes.
    """

    kind: str
    used: int
    total: int

    @property
    def trials(self) -> int:
        """Number of trials that fit on the GPU at the same time; at least one."""
        return max(1, int(USABLE * self.total // self.used))

    def __str__(self) -> str:
        gigabytes = f"{self.used / 1e9:.1f} of {self.total / 1e9:.1f} GB"
        trials = "one trial" if self.trials == 1 else f"{self.trials} trials"
        return f"{self.kind}: the default configuration takes {gigabytes}, so that {trials} share one"


def check_uses_gpu(settings: RunSettings) -> None:
    """Refuses a run that uses no GPU and so cannot be measured.

    Raises:
        InputError: the run does not compute on a GPU.
    """
    if settings.runtime.device != "cuda":
        raise InputError(
            f"resources.gpus_per_trial is auto, but runtime.device is {settings.runtime.device!r}, where no GPU is "
            "used; set runtime.device to cuda, or gpus_per_trial to 0"
        )


def sized(found: Cluster, settings: RunSettings, folder: Path, tell: Callable[[str], None]) -> Cluster:
    """Sets the GPU fraction of each trial to the measured need of the default configuration.

    With several types of GPUs, the one that holds the fewest trials decides, because Ray's fractions apply to any GPU.

    Args:
        found: cluster with resources for one trial per GPU.
        settings: settings of the default configuration.
        folder: run folder of the study; a later driver reuses the measurements in it.
        tell: called with a sentence per type of GPU.

    Raises:
        InputError: a GPU cannot be measured.
    """
    path = folder / FILE
    found_before = _read(path)
    if found_before.damage is not None:
        tell(f"damaged: {found_before.damage}; it is kept as {keep_damaged(path).name}, and GPUs are measured again")
    known = found_before.value
    named = found.resources.accelerator
    wanted: list[str | None] = [named] if named else [*kinds_of_gpus()] or [None]
    shares = [known.get(kind or UNNAMED) or _measured(kind, settings) for kind in wanted]
    _write(path, [*(known | {share.kind: share for share in shares}).values()])
    for share in shares:
        tell(str(share))
    resources = replace(found.resources, gpus=1 / min(share.trials for share in shares))
    return replace(found, resources=resources, workers=resources.workers or fitting(resources))


def _measured(kind: str | None, settings: RunSettings) -> Share:
    asked = Resources(1, 1, 1, settings.runtime.threads, kind)
    measuring = measure_footprint.options(name="memory of a run", resources=asked.kind)
    try:
        used, total = ray.get(measuring.remote(settings.model_dump_json()))
    except RayTaskError as error:
        raise InputError(
            f"resources.gpus_per_trial is auto, but the default configuration cannot be measured on a {kind or UNNAMED}"
            f" ({str(error.cause).splitlines()[0]}); name a number, such as 0.5"
        ) from None
    return Share(kind or UNNAMED, used, total)


def _read(path: Path) -> Reading[dict[str, Share]]:
    return read(path, _shares, {})


def _shares(content: bytes) -> dict[str, Share]:
    return {kind: Share(kind, **numbers) for kind, numbers in _SHARES.validate_json(content).items()}


def _write(path: Path, shares: Sequence[Share]) -> None:
    content = {share.kind: {"used": share.used, "total": share.total} for share in shares}
    write_text(path, json.dumps(content, indent=1) + "\n")
