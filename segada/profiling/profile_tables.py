"""Prints a profile: tables of the parts of a step, of the parameters of the network, and of its blocks and adapters."""

import os
import platform
import re
from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table

from segada.core.timer import StepTime
from segada.engine.divergence import Diverged
from segada.errors import InputError
from segada.models.staged_segmentor import StagedSegmentor
from segada.profiling.parameters import ModuleCount, count_parameters, in_words, summed
from segada.profiling.placement_table import placement_table
from segada.profiling.step_time import WARM_UP, PartTime, part_times, time_steps, whole_step
from segada.settings import RunSettings


def print_profile(settings: RunSettings, steps: int, console: Console) -> None:
    """Runs the first steps of a stream and prints the tables.

    Raises:
        InputError: data or weights are missing, or a loss is not finite.
    """
    try:
        with console.status("reading frames, then running the steps"):
            times, network = time_steps(settings, steps)
    except (ValueError, Diverged) as error:
        raise InputError(str(error)) from error
    console.print(network.origin)
    console.print(_time_table(times, settings))
    console.print(_parameter_table(count_parameters(network), network.title))
    if isinstance(network, StagedSegmentor):
        console.print(placement_table(network.encoder, network.shape.encoder, settings.adapter.name))


def _time_table(times: Sequence[StepTime], settings: RunSettings) -> Table:
    whole = whole_step(times)
    height, width = settings.data.size
    table = Table(
        title=f"{settings.method.name}: {1 / whole.mean:.1f} steps/s",
        caption=(
            f"{len(times)} steps of {settings.stream.batch_size} frames of {height}x{width}, after {WARM_UP} that warm "
            f"up; {settings.runtime.device}, {settings.runtime.threads} threads, {platform.machine()}, "
            f"load {os.getloadavg()[0]:.1f}"
        ),
    )
    for column in ("part", "calls", "ms per step", "+-", "share"):
        table.add_column(column, justify="left" if column == "part" else "right")
    for part in part_times(times):
        table.add_row(*_time_cells(part))
    table.add_section()
    table.add_row(*_time_cells(whole), style="bold")
    return table


def _time_cells(part: PartTime) -> tuple[str, ...]:
    milliseconds = (f"{1000 * part.mean:.2f}", f"{1000 * part.deviation:.2f}")
    return (part.name, str(part.calls), *milliseconds, f"{100 * part.share:.1f} %")


def _parameter_table(counts: list[ModuleCount], network: str) -> Table:
    table = Table(title=f"parameters of {network}")
    for column in ("module", "parameters", "that learn", "share that learns"):
        table.add_column(column, justify="left" if column == "module" else "right")
    for name, inside in groupby(counts, key=lambda count: re.split(r"[.:]", count.name)[0]):
        rows = list(inside)
        for count in rows:
            table.add_row(*_cells(count))
        table.add_row(*_cells(summed(name, rows)), style="bold")
        table.add_section()
    table.add_row(*_cells(summed("total", counts)), style="bold")
    return table


def _cells(count: ModuleCount) -> tuple[str, str, str, str]:
    share = 100 * count.learning / count.total
    return count.name, in_words(count.total), in_words(count.learning), f"{share:.1f} %"
