"""Settings that all gradient-based methods share: optimizer, color augmentation and the weights of loss terms."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from segada.settings.base import Count, Fraction, NonNegative, Positive, Settings
from segada.settings.batch_norm import BatchNormStatistics
from segada.settings.guards import GuardSettings


class OptimizerSettings(Settings):
    """Optimizer of the trainable parameters."""

    algorithm: Literal["adamw", "sgd"] = "adamw"
    """`adamw` with betas 0.9 and 0.999 (Loshchilov and Hutter 2019), which is Adam where `weight_decay` is 0; `sgd`
    with momentum, whose weight decay is added to the gradient."""
    momentum: Annotated[Fraction, Field(lt=1.0)] = 0.9
    """Share of the former step in the next one. Only with `sgd`."""
    lr: Positive = 1e-3
    head_factor: Positive = 1.0
    """Factor on `lr` for the head; 10 in the SegFormer recipe."""
    module_factors: dict[str, Positive] = Field(default_factory=dict)
    """Factors on `lr` of modules, as whole components of dotted names (`decoder`, `head.linear_fuse`), in place of
    `head_factor`; where several name a parameter, the last counts."""
    weight_decay: NonNegative = 0.01
    """Weight decay. Not applied to norms, biases and scales, nor to position embeddings and the networks that
    replace them."""


class ColorSettings(Settings):
    """Photometric augmentation; images are in [0, 1]."""

    jitter: Fraction = 0.2
    """Strength of brightness, contrast, saturation and hue changes, each drawn from [-jitter, jitter]; 0 is off."""
    jitter_probability: Fraction = 0.8
    blur_probability: Fraction = 0.5
    """Probability of a Gaussian blur with sigma drawn from 0.15 to 1.15 pixels."""
    adjustments: Literal["torchvision", "kornia"] = "torchvision"
    """Formulas of the jitter by a factor f, clipped to [0, 1]. `torchvision`: brightness multiplies by f, contrast and
    saturation blend with gray. `kornia`, which DACS, DAFormer and Hamlet use (read in release 0.5.8): brightness adds
    f - 1, contrast multiplies by f, saturation multiplies that of HSV."""


class ConsolidationSettings(Settings):
    """A quadratic penalty on changes of weights that matter for the source model (Kirkpatrick et al. 2017, arXiv
    1612.00796)."""

    weight: NonNegative = 0.0
    """Lambda in lambda/2 * sum F_i (theta_i - theta*_i)^2 over the trainable parameters, F the Fisher information; 0
    skips the term. Under DACS on the default streets it begins to have an effect at 1e4."""
    frames: Count = 32
    """Number of source frames, spread evenly over the replay buffer, on which the Fisher information is estimated once
    at the start; costs a forward and a backward pass each."""


class LearningSettings(Settings):
    """Settings of every method that learns by gradients."""

    optimizer: OptimizerSettings = OptimizerSettings()
    consolidation: ConsolidationSettings = ConsolidationSettings()
    batch_norm: BatchNormStatistics = BatchNormStatistics()
    guards: GuardSettings = GuardSettings()

    @abstractmethod
    def term_weights(self) -> Mapping[str, float]:
        """Returns the weight of each term of the method's own loss, by the name under which a step reports it; 0 skips
        the term."""

    def loss_terms(self) -> tuple[str, ...]:
        """Returns the names of the loss terms that a step reports: those of weight above 0, consolidation last."""
        weights = {**self.term_weights(), "consolidation": self.consolidation.weight}
        return tuple(name for name, weight in weights.items() if weight > 0.0)


class LabelLearningSettings(LearningSettings):
    """Settings of every method that learns from labels, those of source frames or pseudo-labels."""

    class_weights: dict[str, NonNegative] = Field(default_factory=dict)
    """Factor on the cross-entropy of pixels of each class, by its name in `data.classes`; 1 for classes that are not
    named. The sum is not renormalized."""
