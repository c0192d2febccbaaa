"""The YAML of a comparison of methods at fixed settings, read and checked whole before anything starts."""

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import Field, JsonValue

from hpo.config.document import path_in_file
from hpo.config.endless import check_end
from segada.errors import InputError
from segada.records import Preflight
from segada.settings import RunSettings
from segada.settings.base import Settings
from segada.settings.files import Document, read_yaml, with_options
from segada.settings.inputs import checked_path
from segada.settings.limits import NAME, RUNS
from segada.settings.nested import Tree, Value, merged
from segada.settings.run import with_names
from segada.settings.schema import nearest
from segada.settings.source_training import checked_source_training

MethodName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_+-]*$", max_length=NAME)]
"""Letters, digits, `_`, `+` and `-`: it is the name of a folder too."""


class MethodsSettings(Settings):
    """Settings of a comparison: what all runs share, and what each method changes."""

    run: dict[str, JsonValue] = Field(default_factory=dict)
    """Settings that every run shares, nested as `RunSettings` is."""
    pretrain: dict[str, JsonValue] | None = None
    """Changes to `run` that make it the supervised training of the source model; null takes `run.model.checkpoint`.
    With `stream.visits` of its own, `stream.route` and `stream.rounds` of `run` do not hold for it."""
    seeds: int = Field(default=3, ge=1, le=RUNS)
    """Runs of each method, with the seed of `run`, the one after it, and so on; the source model is one for all."""
    methods: dict[MethodName, dict[str, JsonValue]] = Field(min_length=1)
    """Changes of each method to `run`, by the name that the table gives it."""


@dataclass(frozen=True)
class MethodsFile:
    """A file of methods that has passed every check that needs no network and no data."""

    document: Document
    settings: MethodsSettings
    """Settings of the comparison; those that every run shares have no preset, and every section has its name, so that
    a method with another name replaces the section."""

    @property
    def name(self) -> str:
        """Name of the file without its ending."""
        return Path(self.document.file).stem

    def base(self) -> RunSettings:
        """Returns what all runs share."""
        return RunSettings.model_validate(self.settings.run)

    def source(self) -> RunSettings | None:
        """Returns the training of the source model, or None if there are weights.

        Raises:
            InputError: it does not train with labels, or its settings contradict each other.
        """
        if self.settings.pretrain is None:
            return None
        return checked_source_training(self.document, self.settings.run, self.settings.pretrain)

    def run_settings(self, method: str, seed: int, weights: Path | None) -> RunSettings:
        """Returns the settings of one run of a method.

        Args:
            method: Key of `methods`.
            seed: Counted from 0: added to the seed of `run`.
            weights: Weights of the source model; a method's own `model.checkpoint` goes before them.

        Raises:
            InputError: they contradict each other.
        """
        trained: Tree = {} if weights is None else {"model": {"checkpoint": str(weights)}}
        tree = merged(merged(self.settings.run, trained), self.settings.methods[method])
        settings = self.document.build(RunSettings, tree, (f"methods.{method}", "run"))
        return settings.model_copy(update={"seed": settings.seed + seed})

    def check_data_and_networks(self) -> None:
        """Asks the engine whether data are there and every network can be built.

        Raises:
            InputError: one is not; names the method.
        """
        source = self.source()
        counted = {"run": self.base(), **({} if source is None else {"pretrain": source})}
        built = {method: self.run_settings(method, 0, None) for method in self.settings.methods}
        wanted = Preflight(
            data={name: settings.model_dump(mode="json") for name, settings in counted.items()},
            networks={f"methods.{name}": settings.model_dump(mode="json") for name, settings in built.items()},
        )
        command = [sys.executable, "-m", "segada.engine.preflight"]
        ended = subprocess.run(command, input=wanted.model_dump_json(), stdout=subprocess.PIPE, check=True, text=True)
        for name, problem in json.loads(ended.stdout).items():
            raise self.document.error(name.split("."), problem)


def load_methods(path: Path, overrides: dict[str, Value], options: dict[str, str]) -> MethodsFile:
    """Reads and checks a file of methods.

    Args:
        path: The file.
        overrides: Values at dotted paths that win over the file's; a path that begins with no part of the file is one
            into `run`.
        options: What an error calls the option that an override came by, by path; `--set` where it is absent.

    Raises:
        InputError: one line with the file, the line, the path, what is wrong and what would be right.
    """
    places = {given: path_in_file(given, MethodsSettings.model_fields) for given in overrides}
    values = {place: overrides[given] for given, place in places.items()}
    named = {places[given]: option for given, option in options.items()}
    document = with_options(read_yaml(path), values, named)
    settings = document.build(MethodsSettings, document.tree)
    base = document.build(RunSettings, settings.run, ("run",))
    check_end(document, base)
    file = MethodsFile(document, settings.model_copy(update={"run": with_names(settings.run)}))
    trained = file.source()
    for method in settings.methods:
        _check_method(file, method, base, trained)
    return file


def methods_path(name: str) -> Path | None:
    """Returns the path of a file of methods; None if the name is that of a study, or of a folder of studies.

    Args:
        name: A path, or the bare name of a comparison that is shipped (`compare_streets`).

    Raises:
        InputError: there is neither a file nor anything shipped of this name.
    """
    path = checked_path(Path(name), "")
    if path.is_dir():
        return None
    if path.is_file():
        return path if "methods" in read_yaml(path).tree else None
    shipped = {file.name: file for file in _shipped("comparisons")}
    found = shipped.get(path.name if path.suffix else f"{path.name}.yaml") if str(path) == path.name else None
    studies = [entry.name for entry in Path(str(resources.files("search_spaces"))).iterdir()]
    if found is None and name not in studies and f"{name}.yaml" not in studies:
        known = [*shipped_comparisons(), "compare_methods"]
        raise InputError(f"{name}: no such file, and nothing shipped has this name; {nearest(name, known)}")
    return found


def shipped_comparisons() -> list[str]:
    """Returns the names of the files of methods that come with the package."""
    return [path.stem for path in _shipped("comparisons")]


def _shipped(folder: str) -> list[Path]:
    return sorted(Path(str(resources.files("search_spaces") / folder)).glob("*.yaml"))


def _check_method(file: MethodsFile, method: str, base: RunSettings, trained: RunSettings | None) -> None:
    settings = file.run_settings(method, 0, None)
    wanted = _shared(base)
    for path, value in _shared(settings).items():
        if value != wanted[path]:
            raise file.document.error(
                ("methods", method, *path.split(".")),
                "is the same for all methods, so that their numbers can be compared; change it under run",
            )
    if trained is None or settings.model.checkpoint != base.model.checkpoint:
        return
    if settings.model.network != trained.model.network:
        raise file.document.error(
            ("methods", method, "model", "network"),
            f"is {settings.model.network}, but the source model that is trained is {trained.model.network}; give "
            "the weights of another one in model.checkpoint",
        )
    if settings.model.encoder != trained.model.encoder:
        raise file.document.error(
            ("methods", method, "model", "encoder"),
            f"is {settings.model.encoder}, but the source model that is trained is {trained.model.encoder}; give "
            "the weights of another one in model.checkpoint",
        )


def _shared(settings: RunSettings) -> dict[str, object]:
    """Returns what must be the same in all runs, by path."""
    return {
        "seed": settings.seed,
        "data": settings.data,
        "stream.source": settings.stream.source,
        "stream.visits": settings.stream.all_visits(),
        "evaluation.split": settings.evaluation.split,
        "evaluation.domains": settings.scored_domains(),
    }
