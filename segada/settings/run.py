"""All settings of one run: the tree whose paths are the dimensions of a search space."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import model_validator

from segada.core.named_code import is_code
from segada.settings.adapter import AdapterSettings, NoAdapter
from segada.settings.adversarial import AdversarialSettings
from segada.settings.architectures import MIX_TRANSFORMERS
from segada.settings.augmentation import check_grid, check_window
from segada.settings.base import Seed, Settings
from segada.settings.check_network import check_stages
from segada.settings.check_trainable import check_added, check_controlled, own_choice
from segada.settings.check_widths import check_adapter, check_image_adapter
from segada.settings.controller import ConstantSettings, ControllerSettings
from segada.settings.dacs import DacsSettings
from segada.settings.data import DataSettings, is_rendered
from segada.settings.digest import digest
from segada.settings.domain_use import check_followed, check_labels, check_source_free
from segada.settings.evaluation import EvaluationSettings, RuntimeSettings
from segada.settings.hamlet import HamletSettings
from segada.settings.image_adapter import ImageAdapterSettings, NoImageAdapter
from segada.settings.label_free import check_label_free
from segada.settings.learning import LabelLearningSettings
from segada.settings.logging import LoggingSettings
from segada.settings.method import MethodSettings, SupervisedSettings
from segada.settings.model import ModelSettings
from segada.settings.nested import Tree
from segada.settings.presets import PresetName, spelled_out
from segada.settings.schema import nearest
from segada.settings.stream import StreamSettings

DEFAULT_NAMES = {"method": "dacs", "adapter": "none", "image_adapter": "none", "controller": "constant"}
"""Value of `name` in each section chosen by `name`, if the name is left out."""


class RunSettings(Settings):
    """Every setting of one adaptation run: a frozen tree, in which unknown keys and wrong types are errors.

    Example:
        >>> import segada
        >>> settings = segada.RunSettings.model_validate({"method": {"name": "tent"}, "seed": 1})
        >>> settings.method.name, settings.stream.source
        ('tent', 'clear')
        >>> len(settings.settings_hash()) > 0
        True
    """

    preset: PresetName | None = None
    """Named starting point (see `presets.py`). Settings given beside it take precedence; null once they are merged."""
    seed: Seed = 0
    """Seed of replay, class-mix, augmentation and initialization, each of which has its own generator."""
    data: DataSettings = DataSettings()
    stream: StreamSettings = StreamSettings()
    model: ModelSettings = ModelSettings()
    adapter: AdapterSettings = NoAdapter()
    image_adapter: ImageAdapterSettings = NoImageAdapter()
    method: MethodSettings = DacsSettings()
    controller: ControllerSettings = ConstantSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    runtime: RuntimeSettings = RuntimeSettings()
    logging: LoggingSettings = LoggingSettings()

    @model_validator(mode="before")
    @classmethod
    def _name_defaults(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        values = spelled_out(values)
        named = {
            section: {"name": name, **values[section]}
            for section, name in DEFAULT_NAMES.items()
            if isinstance(values.get(section), Mapping)
        }
        return {**values, **named}

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        known = sorted(self.data.domains)
        for path, names in (
            ("stream.source", () if self.stream.source is None else (self.stream.source,)),
            ("stream.visits", self.stream.visits),
            ("evaluation.domains", self.evaluation.domains or ()),
        ):
            unknown = [name for name in names if name not in self.data.domains]
            if unknown:
                raise ValueError(f"{path} names {unknown[0]!r}, but data.domains has only {', '.join(known)}")
        check_labels(self.data.domains, self.stream, self.evaluation, self.method)
        check_source_free(self.stream, self.evaluation, self.method)
        check_followed(self.data.domains, self.stream, self.controller.name)
        unscored = [name for name in self.stream.visits if name not in (*self.scored_domains(), *self.unlabelled())]
        if unscored and self.evaluation.holds_out:
            raise ValueError(
                f"evaluation.domains leaves out {unscored[0]!r}, but every visited domain is scored; add it, or leave "
                "evaluation.domains null"
            )
        return self

    @model_validator(mode="after")
    def _network_has_what_is_needed(self) -> Self:
        check_stages(self)
        return self

    @model_validator(mode="after")
    def _something_learns(self) -> Self:
        learns = own_choice(self.method) is None
        added = self.adapter.name != "none" or self.image_adapter.name != "none"
        # Only the supervised method has a loss on the light exit.
        reached = [
            part for part in self.model.trainable_modules if self._light_weight() > 0.0 or "light_exit" not in part
        ]
        if learns and self.model.freeze == "everything" and not added and not reached:
            raise ValueError(
                f"nothing learns: method.name is {self.method.name!r}, but model.freeze is 'everything', adapter.name "
                f"and image_adapter.name are 'none', and model.trainable_modules names nothing that its losses reach: "
                f"{list(self.model.trainable_modules)}; choose an adapter, or freeze less"
            )
        return self

    @model_validator(mode="after")
    def _all_that_is_added_learns(self) -> Self:
        check_added(self.method, self.adapter, self.image_adapter)
        return self

    @model_validator(mode="after")
    def _light_exit_fits(self) -> Self:
        weight = self._light_weight()
        if weight > 0.0 and self.model.head != "multi_exit":
            raise ValueError(
                f"method.light_weight is {weight}, but model.head {self.model.head!r} has no light exit; set "
                "model.head to multi_exit, or method.light_weight to 0"
            )
        return self

    @model_validator(mode="after")
    def _frames_can_be_augmented(self) -> Self:
        if isinstance(self.method, SupervisedSettings):
            check_window(self.method.window, self.data)
        if isinstance(self.method, DacsSettings):
            check_window(self.method.window, self.data, padded=False)
        if isinstance(self.method, SupervisedSettings | DacsSettings):
            check_grid(self.method.style, self.method.window.size or self.data.size)
        if isinstance(self.method, AdversarialSettings):
            check_grid(self.method.style, self.data.size)
        return self

    @model_validator(mode="after")
    def _things_are_known(self) -> Self:
        method = self.method
        wanted = (
            isinstance(method, DacsSettings) and method.source_fdist_lambda > 0 and method.fdist_classes == "things"
        )
        if wanted and not self.data.classes.things:
            raise ValueError(
                "method.fdist_classes is 'things', but data.classes names no things; name them in data.classes.things, "
                "or set method.fdist_classes to all"
            )
        return self

    @model_validator(mode="after")
    def _weighted_classes_are_known(self) -> Self:
        weighted = self.method.class_weights if isinstance(self.method, LabelLearningSettings) else {}
        unknown = next((name for name in weighted if name not in self.data.classes.names), None)
        if unknown is not None:
            known = nearest(unknown, self.data.classes.names)
            raise ValueError(f"method.class_weights names {unknown!r}, which is not in data.classes; {known}")
        return self

    @model_validator(mode="after")
    def _pictures_can_be_made(self) -> Self:
        mixes = isinstance(self.method, DacsSettings) and self.method.mix_weight > 0.0
        if self.logging.mix_panels is not None and not mixes:
            raise ValueError(
                f"logging.mix_panels is {self.logging.mix_panels}, but method.name {self.method.name!r} mixes "
                f"nothing; set "
                "logging.mix_panels to null, or method.name to dacs with a method.mix_weight above 0"
            )
        return self

    @model_validator(mode="after")
    def _best_is_not_chosen_by_the_report(self) -> Self:
        if self.logging.best_weights and self.evaluation.split == "test":
            raise ValueError(
                "logging.best_weights is true, but evaluation.split is 'test', on which nothing may be selected; set "
                "evaluation.split to val, or logging.best_weights to false"
            )
        if self.logging.best_weights and not self.scored_domains():
            raise ValueError(
                "logging.best_weights is true, but no domain of the run has labels by which the best visit could be "
                "chosen; name one with labels in evaluation.domains, or set logging.best_weights to false"
            )
        return self

    @model_validator(mode="after")
    def _label_free_scores_can_be_made(self) -> Self:
        check_label_free(self.evaluation, self.method, self.stream.source)
        return self

    @model_validator(mode="after")
    def _encoder_takes_what_is_added(self) -> Self:
        encoder = self.model.encoder or ""
        if is_code(encoder):
            # Whether it has blocks is seen when it is built.
            return self
        architecture = MIX_TRANSFORMERS.get(encoder)
        if architecture is not None:
            check_adapter(self.adapter, architecture.widths, encoder)
            check_image_adapter(self.image_adapter, architecture.widths, encoder)
            return self
        # Whether an encoder of timm has blocks for an adapter is seen when it is built.
        name = self.image_adapter.name
        if name != "none":
            raise ValueError(
                f"image_adapter.name is {name!r}, but only Mix Transformers have a place for it, and model.encoder is "
                f"{self.model.encoder}; set model.encoder to {', '.join(MIX_TRANSFORMERS)}, or image_adapter.name to "
                f"none"
            )
        return self

    @model_validator(mode="after")
    def _controller_fits(self) -> Self:
        if isinstance(self.controller, HamletSettings):
            reason = next(self.controller.contradictions(self.model.head or "", self.method), None)
            if reason is not None:
                raise ValueError(reason)
        check_controlled(self.method, self.controller)
        return self

    def _light_weight(self) -> float:
        return self.method.light_weight if isinstance(self.method, SupervisedSettings) else 0.0

    def scored_domains(self) -> tuple[str, ...]:
        """Returns the domains that are evaluated after each visit: the source first, then in order of first
        appearance; without those that have no labels, so that there may be none."""
        if self.evaluation.domains is not None:
            return self.evaluation.domains
        named = [*([] if self.stream.source is None else [self.stream.source]), *self.stream.visits]
        return tuple(name for name in dict.fromkeys(named) if self.data.domains[name].has_labels(held_out=True))

    def rendered_domains(self) -> tuple[str, ...]:
        """Returns the visited domains that are rendered, in order of first appearance."""
        return tuple(name for name in dict.fromkeys(self.stream.visits) if is_rendered(self.data.domains[name]))

    def unlabelled(self) -> tuple[str, ...]:
        """Returns the visited domains whose held-out frames have no labels by their settings, in order of first
        appearance: they are adapted to, and not scored."""
        visited = dict.fromkeys(self.stream.visits)
        return tuple(name for name in visited if not self.data.domains[name].has_labels(held_out=True))

    def used_domains(self) -> tuple[str, ...]:
        """Returns the domains that the run reads, each once: the source, the visited and the scored ones."""
        source = [] if self.stream.source is None else [self.stream.source]
        return tuple(dict.fromkeys((*source, *self.stream.visits, *self.scored_domains())))

    def predicts_stream(self) -> bool:
        """Returns True if visited frames are predicted, for a score or a controller, before the step that learns from
        them."""
        detects = isinstance(self.controller, HamletSettings) and self.controller.detector.signal != "none"
        return self.evaluation.online or detects

    def without_logging(self) -> Self:
        """Returns the same run with default `logging`, which leaves every setting that affects its numbers."""
        return self.model_copy(update={"logging": LoggingSettings()})

    def settings_hash(self) -> str:
        """Returns ten hexadecimal digits that identify the settings that affect the run's numbers.

        `logging` and `data.loading` affect no number and are left out. So are the folder of a file of code, and new
        settings that have their default, so that runs of older versions keep their digits (`segada.settings.digest`).
        """
        deciding = self.without_logging().model_dump(mode="json", exclude={"data": {"loading"}})
        return digest(deciding)


def with_names(run: Tree) -> Tree:
    """Returns the settings of a run with its preset merged and `name` set in every section chosen by name.

    With explicit names, an override that gives another name replaces the whole section.
    """
    run = spelled_out(run)
    sections: Tree = {
        section: {"name": name, **inside}
        for section, name in DEFAULT_NAMES.items()
        if isinstance(inside := run.get(section), dict)
    }
    return {**run, **sections}
