"""Settings of the adaptation methods; the larger ones have modules of their own."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import model_validator

from segada.settings.adversarial import AdversarialSettings
from segada.settings.augmentation import StyleSettings, WindowSettings
from segada.settings.base import Fraction, NonNegative, Settings
from segada.settings.batch_norm import BatchNormStatistics, EstimatedStatistics
from segada.settings.cotta import CottaSettings
from segada.settings.dacs import DacsSettings
from segada.settings.eata import EataSettings
from segada.settings.learning import ColorSettings, LabelLearningSettings, LearningSettings, OptimizerSettings
from segada.settings.named_kinds import CodeSettings, Kinds
from segada.settings.rmt import RmtSettings
from segada.settings.rotta import RottaSettings
from segada.settings.sar import SarSettings
from segada.settings.svdp import SvdpSettings
from segada.settings.tent import TentSettings


class SourceOnlySettings(Settings):
    """No adaptation: the source model is evaluated as it is."""

    name: Literal["source_only"]


class BatchNormSettings(Settings):
    """Re-estimation of batch-norm statistics on target frames; no parameter learns (Schneider et al. 2020)."""

    name: Literal["batch_norm"]
    batch_norm: EstimatedStatistics = EstimatedStatistics()
    """Statistics of the batch norms: any but `frozen`, which would be `source_only`."""

    @model_validator(mode="before")
    @classmethod
    def _momentum_has_moved(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and "momentum" in values:
            raise ValueError("method.momentum is now method.batch_norm.momentum; write batch_norm: {momentum: ...}")
        return values

    @model_validator(mode="after")
    def _statistics_move(self) -> Self:
        if self.batch_norm.statistics == "frozen":
            raise ValueError(
                "method.batch_norm.statistics is 'frozen', but method.name 'batch_norm' changes nothing else; set "
                "method.name to source_only, or the statistics to follow, target, mixed or robust"
            )
        return self


class SupervisedSettings(LabelLearningSettings):
    """Training on labelled source frames alone: pre-training."""

    name: Literal["supervised"]
    optimizer: OptimizerSettings = OptimizerSettings(lr=3e-3)
    color: ColorSettings = ColorSettings()
    crop: Fraction = 0.75
    """Smallest side of the random crop, as a share of the frame's; crops are resized back to the frame's size. 1 is
    off."""
    flip_probability: Fraction = 0.5
    window: WindowSettings = WindowSettings()
    """Window cropping, an alternative to `crop`."""
    style: StyleSettings = StyleSettings()
    light_weight: NonNegative = 0.0
    """Weight of the cross-entropy of the head's light exit, beside 1 for the main exit; 0 leaves the light exit out."""

    def term_weights(self) -> Mapping[str, float]:
        """Returns the weights of both exits; a network in which only the light exit learns reports no `clean`."""
        return {"clean": 1.0, "light": self.light_weight}

    @model_validator(mode="after")
    def _one_crop(self) -> Self:
        if self.window.size is not None and self.crop < 1.0:
            raise ValueError(
                f"method.window.size is {list(self.window.size)}, but method.crop is {self.crop}, and one of the two "
                "crops; set method.crop to 1.0, or method.window.size to null"
            )
        return self


class CodeMethod(CodeSettings):
    """Method of the user."""

    role = "method"

    name: str


MethodSettings = Annotated[
    SourceOnlySettings
    | BatchNormSettings
    | TentSettings
    | EataSettings
    | SarSettings
    | CottaSettings
    | SvdpSettings
    | RmtSettings
    | RottaSettings
    | DacsSettings
    | AdversarialSettings
    | SupervisedSettings
    | CodeMethod,
    Kinds(),
]


def batch_norm_statistics(method: MethodSettings) -> BatchNormStatistics | None:
    """Returns the settings of the batch norms; None for a method that has none."""
    return method.batch_norm if isinstance(method, LearningSettings | BatchNormSettings) else None
