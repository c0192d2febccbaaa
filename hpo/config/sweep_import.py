"""Translation of W&B sweeps into study files; sweeps are accepted wherever study files are."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue

from hpo.config.sweep_distributions import SweepParameter, translated
from hpo.config.sweep_notes import sweep_notes
from hpo.config.sweep_traps import check_traps
from segada.settings.base import Count, Settings
from segada.settings.files import Document, Origin, read_yaml
from segada.settings.nested import Parts, Tree, Value, set_path

METHODS = {"bayes": "tpe", "random": "random", "grid": "grid"}
"""Sampler of a study by the `method` of a sweep."""
OURS = "hpo.tracking.sweep_agent"
"""Module that the agents of a sweep exported by this package run."""


class SweepMetric(Settings):
    """Metric that a sweep optimizes."""

    name: str
    goal: Literal["minimize", "maximize"] = "minimize"
    target: float | None = None
    impute: JsonValue = None
    impute_while_running: JsonValue = None


class Hyperband(Settings):
    """Early termination of a sweep: runs stop after `min_iter` reports, and again after `eta` times as many."""

    type: Literal["hyperband"]
    min_iter: Count | None = None
    max_iter: Count | None = None
    s: int | None = Field(default=None, ge=1, le=100)
    eta: int | float = Field(default=3, gt=1)
    strict: bool = False


class Sweep(Settings):
    """Sweep file, as described at https://docs.wandb.ai."""

    method: Literal["bayes", "random", "grid"]
    parameters: dict[str, SweepParameter] = Field(min_length=1)
    metric: SweepMetric | None = None
    early_terminate: Hyperband | None = None
    run_cap: Count | None = None
    name: str | None = None
    project: str | None = None
    # Keys for how and where agents run, which a study does not need.
    program: JsonValue = None
    command: JsonValue = None
    entity: JsonValue = None
    description: JsonValue = None
    job: JsonValue = None
    image_uri: JsonValue = None
    controller: JsonValue = None
    settings: JsonValue = None
    kind: JsonValue = None
    apiVersion: JsonValue = None  # noqa: N815 - its name in the file


def is_sweep(tree: Tree) -> bool:
    """Returns True if a file is a sweep and not a study."""
    return "parameters" in tree and "space" not in tree


def as_study(document: Document, stem: str) -> Document:
    """Translates a sweep into a study file; errors are reported under the sweep's own keys.

    Constants become fixed settings of the runs, other parameters the search space. `early_terminate` becomes pruning
    over visits, and `run_cap` the number of trials; a grid without `run_cap` is searched completely. The metric must be
    a metric of studies; without one the study's default is used.

    Args:
        document: the sweep.
        stem: name of the study if the sweep has none.

    Raises:
        InputError: it is no sweep, or a distribution has no counterpart.
    """
    check_traps(document)
    sweep = document.build(Sweep, document.tree)
    if OURS in str(sweep.command):
        raise document.error(("command",), f"this sweep was made from a study file, which {OURS} names: run that one")
    study = _Translation(document)
    study.put(("name",), _name(sweep.name or stem), ("name",))
    for name, parameter in sweep.parameters.items():
        study.add(name, parameter, ("parameters", name))
    if "space" not in study.tree:
        raise document.error(("parameters",), "has constants alone; a search needs one with values, or min and max")
    study.put(("sampler", "name"), METHODS[sweep.method], ("method",))
    if sweep.metric is not None:
        study.put(("objectives",), [{"metric": sweep.metric.name, "goal": sweep.metric.goal}], ("metric",))
        study.place(("objectives", 0, "metric"), ("metric", "name"))
    if sweep.early_terminate is not None:
        for key, value, source in _pruning(document, sweep.early_terminate):
            study.put(("pruning", key), value, ("early_terminate", source))
    if sweep.project is not None:
        study.put(("tracking", "project"), sweep.project, ("project",))
    _put_budget(study, sweep)
    return replace(document, tree=study.tree, lines=study.lines, origins=study.origins)


def notes_on(file: Path) -> list[str]:
    """Returns a line for each part of a sweep that may mean something else than its author thinks, or is not used.

    Args:
        file: path of the sweep; there are no notes on a study file.
    """
    document = read_yaml(file)
    if not is_sweep(document.tree):
        return []
    why = "is not used: trials are runs of this engine"
    return [*sweep_notes(document), *(str(document.error((key,), why)) for key in unused(document.tree))]


def unused(tree: Mapping[str, Value]) -> list[str]:
    """Lists the keys of a sweep that have no effect: a study runs its own trials until its budget is spent."""
    known = ("method", "parameters", "metric", "early_terminate", "run_cap", "name", "project")
    return [key for key in tree if key not in known]


@dataclass
class _Translation:
    """Study file under construction, with the place in the sweep from which each value comes."""

    document: Document
    tree: Tree = field(default_factory=dict)
    lines: dict[Parts, int] = field(default_factory=dict)
    origins: dict[Parts, Origin] = field(default_factory=dict)
    points: float = 1.0
    """Number of points of the grid over all parameters."""

    def add(self, path: str, parameter: SweepParameter, source: Parts) -> None:
        """Adds a parameter, or those that are nested in it."""
        if parameter.parameters is not None:
            for name, inner in parameter.parameters.items():
                self.add(f"{path}.{name}", inner, (*source, "parameters", name))
        elif parameter.kind == "constant":
            section = self.tree.setdefault("run", {})
            assert isinstance(section, dict)
            set_path(section, path, parameter.value)
            setting = ("run", *path.split("."))
            for end in range(2, len(setting)):
                # A problem with a section is reported at the first parameter that names one of its settings.
                if setting[:end] not in self.lines:
                    self.place(setting[:end], source)
            self.place(setting, (*source, "value"))
        else:
            try:
                found = translated(parameter)
            except ValueError as problem:
                raise self.document.error(source, str(problem)) from None
            space = self.tree.setdefault("space", {})
            assert isinstance(space, dict)
            space[path] = found.parameter
            self.points *= found.count
            self.place(("space", path), source)
            for key, origin in found.keys.items():
                self.place(("space", path, key), (*source, origin))

    def put(self, parts: tuple[str, ...], value: Value, source: Parts) -> None:
        """Sets a value outside the space and the run."""
        set_path(self.tree, ".".join(parts), value)
        self.place(parts, source)

    def place(self, parts: Parts, source: Parts) -> None:
        """Records the place in the sweep from which the value at a path of the study comes."""
        above = [source[:end] for end in range(len(source), 0, -1) if source[:end] in self.document.lines]
        if above:
            self.lines[parts] = self.document.lines[above[0]]
            self.origins[parts] = Origin(self.document.file, source)


def _put_budget(study: _Translation, sweep: Sweep) -> None:
    if sweep.run_cap is not None:
        study.put(("budget", "trials"), sweep.run_cap, ("run_cap",))
    elif sweep.method == "grid" and math.isfinite(study.points):
        # W&B agents stop when the grid is done.
        study.put(("budget", "trials"), round(study.points), ("method",))


def _pruning(document: Document, hyperband: Hyperband) -> list[tuple[str, int | str, str]]:
    reduction = round(hyperband.eta)
    if reduction != hyperband.eta or reduction < 2:
        raise document.error(
            ("early_terminate", "eta"), f"must be a whole number from 2 on here, but is {hyperband.eta:g}"
        )
    name = ("name", "halving", "type")
    if hyperband.min_iter is not None:
        return [name, ("min_visits", hyperband.min_iter, "min_iter"), ("reduction_factor", reduction, "eta")]
    if hyperband.max_iter is None or hyperband.s is None:
        raise document.error(("early_terminate",), "needs min_iter, or max_iter and s")
    visits = max(hyperband.max_iter // reduction**hyperband.s, 1)
    return [name, ("min_visits", visits, "max_iter"), ("reduction_factor", reduction, "eta")]


def _name(text: str) -> str:
    """Returns a name valid for folders; W&B accepts any text."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-._") or "sweep"
