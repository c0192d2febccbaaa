"""The YAML of a comparison, read and checked whole before anything starts."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, JsonValue

from segada.core.rng import torch_generator
from segada.data.datasets.registry import count_frames
from segada.errors import InputError
from segada.models.build import build_segmentor
from segada.settings import RunSettings
from segada.settings.base import Settings
from segada.settings.files import Document, read_yaml
from segada.settings.inputs import checked_path
from segada.settings.limits import NAME, RUNS
from segada.settings.method import SupervisedSettings
from segada.settings.nested import Tree, Value, merged
from segada.settings.run import with_names
from segada.settings.schema import nearest
from segada.settings.source_training import source_training

MethodName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_+-]*$", max_length=NAME)]
"""Letters, digits, `_`, `+` and `-`: it is the name of a folder too."""
SHIPPED: Final = "compare_"
"""How the names of shipped recipes begin."""


class RecipeSettings(Settings):
    """A recipe: what all runs share, and what each method changes."""

    run: dict[str, JsonValue] = Field(default_factory=dict)
    """Settings that every run shares, nested as `RunSettings` is."""
    pretrain: dict[str, JsonValue] | None = None
    """Changes to `run` that make it the supervised training of the source model; null takes `run.model.checkpoint`.
    With `stream.visits` of its own, `stream.route` and `stream.rounds` of `run` do not hold for it."""
    seeds: int = Field(default=3, ge=1, le=RUNS)
    """Runs of each method, with the seed of `run`, the one after it, and so on; the source model is one for all."""
    methods: dict[MethodName, dict[str, JsonValue]] = Field(min_length=1)
    """Each method's changes to `run`, by the name that the table gives it."""


@dataclass(frozen=True)
class Recipe:
    """A recipe that has passed every check."""

    document: Document
    settings: RecipeSettings

    @property
    def name(self) -> str:
        """Of the file."""
        return Path(self.document.file).stem

    def base(self) -> RunSettings:
        """What all runs share."""
        return RunSettings.model_validate(self._run)

    def source(self) -> RunSettings | None:
        """The training of the source model, or None if there are weights."""
        if self.settings.pretrain is None:
            return None
        tree = source_training(self._run, self.settings.pretrain)
        return self.document.build(RunSettings, tree, ("pretrain", "run"))

    def run_settings(self, method: str, seed: int, weights: Path | None) -> RunSettings:
        """One run of a method.

        Args:
            method: A key of `methods`.
            seed: Counted from 0: added to the seed of `run`.
            weights: Of the source model; a method's own `model.checkpoint` goes before them.

        Raises:
            InputError: they contradict each other.
        """
        trained: Tree = {} if weights is None else {"model": {"checkpoint": str(weights)}}
        tree = merged(merged(self._run, trained), self.settings.methods[method])
        settings = self.document.build(RunSettings, tree, (f"methods.{method}", "run"))
        return settings.model_copy(update={"seed": settings.seed + seed})

    @property
    def _run(self) -> Tree:
        """With the name of every section, so that a method with another name replaces the section."""
        return with_names(self.settings.run)


def load_recipe(file: str, overrides: dict[str, Value], options: dict[str, str]) -> Recipe:
    """Reads and checks a recipe.

    Args:
        file: A path, or the bare name of a recipe that is shipped (`compare_streets`).
        overrides: Values at dotted paths that win over the file's.
        options: What an error calls the option that an override came by, by path; `--set` where it is absent.

    Raises:
        InputError: One line with the file, the line, the path, what is wrong and what would be right; or data, weights
            or the domains that the streams name are missing.
    """
    document = read_yaml(_located(file))
    for path, value in overrides.items():
        document = document.with_overrides({path: value}, options.get(path, "--set"))
    recipe = Recipe(document, document.build(RecipeSettings, document.tree))
    base = document.build(RunSettings, recipe.settings.run, ("run",))
    _check_source(recipe)
    for method in recipe.settings.methods:
        _check_method(recipe, method, base)
    for settings in filter(None, (recipe.source(), base)):
        _count_all(settings)
    return recipe


def shipped_recipes() -> list[str]:
    """Names of the recipes that come with the package."""
    return sorted(file.name for file in _folder() if file.name.startswith(SHIPPED))


def _folder() -> Iterator[Path]:
    return (Path(str(entry)) for entry in (resources.files("segada") / "recipes").iterdir())


def _located(file: str) -> Path:
    path = checked_path(Path(file), "")
    if path.is_file():
        return path
    name = path.name if path.suffix else f"{path.name}.yaml"
    found = next((entry for entry in _folder() if entry.name == name and str(path) == path.name), None)
    if found is None:
        raise InputError(
            f"{file}: no such file, and no shipped recipe has this name; {nearest(name, shipped_recipes())}"
        )
    return found


def _check_source(recipe: Recipe) -> None:
    source = recipe.source()
    if source is not None and not isinstance(source.method, SupervisedSettings):
        raise recipe.document.error(
            ("pretrain", "method", "name"), f"must be supervised, not {source.method.name}: it trains on labels"
        )


def _check_method(recipe: Recipe, method: str, base: RunSettings) -> None:
    settings = recipe.run_settings(method, 0, None)
    wanted = _shared(base)
    for path, value in _shared(settings).items():
        if value != wanted[path]:
            raise recipe.document.error(
                ("methods", method, *path.split(".")),
                "is the same for all methods, so that their numbers can be compared; change it under run",
            )
    if recipe.settings.pretrain is not None and settings.model.checkpoint == base.model.checkpoint:
        trained = recipe.source()
        if trained is not None and settings.model.encoder != trained.model.encoder:
            raise recipe.document.error(
                ("methods", method, "model", "encoder"),
                f"is {settings.model.encoder}, but the source model that is trained is {trained.model.encoder}; give "
                "the weights of another one in model.checkpoint",
            )
    try:
        build_segmentor(settings.model, settings.adapter, torch_generator(0, "initialisation"), settings.image_adapter)
    except ValueError as error:
        raise recipe.document.error(("methods", method), str(error)) from None


def _shared(settings: RunSettings) -> dict[str, object]:
    """What must be the same, by path."""
    return {
        "seed": settings.seed,
        "data": settings.data,
        "stream.source": settings.stream.source,
        "stream.visits": settings.stream.all_visits(),
        "evaluation.split": settings.evaluation.split,
        "evaluation.domains": settings.scored_domains(),
    }


def _count_all(settings: RunSettings) -> None:
    """Raises what is wrong with folders and files, as far as it shows without reading a frame."""
    for domain in settings.scored_domains():
        count_frames(domain, settings.data, settings.evaluation.split)
    for domain in settings.stream.visits:
        count_frames(domain, settings.data, settings.stream.split)
    count_frames(settings.stream.source, settings.data, "source")
