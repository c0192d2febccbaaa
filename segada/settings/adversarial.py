"""Settings of domain-adversarial learning."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import model_validator

from segada.settings.augmentation import StyleSettings
from segada.settings.base import Count, NonNegative, Positive
from segada.settings.learning import LabelLearningSettings, OptimizerSettings
from segada.settings.masked_consistency import OwnTeacherSettings


class AdversarialSettings(LabelLearningSettings):
    """A discriminator behind a gradient reversal, in a single stage (Ganin and Lempitsky 2015, arXiv 1409.7495)."""

    name: Literal["adversarial"]
    optimizer: OptimizerSettings = OptimizerSettings(lr=1e-4)
    """Optimizer of the network; the discriminator uses the same weight decay."""
    clean_weight: NonNegative = 1.0
    """Weight of the cross-entropy on replayed source frames."""
    weight: NonNegative = 1.0
    """Weight of the domain loss: scales the gradients of the discriminator and of the network."""
    reversal: NonNegative = 1.0
    """Coefficient of the gradient reversal: scales only the gradients of the network."""
    features: Literal["encoder", "decoder"] = "decoder"
    """Input of the discriminator: the encoder's deepest map, or the softmax of the logits (Tsai et al. 2018). The
    head's batch norms process target frames, and adapt to them, only with `decoder`."""
    granularity: Literal["image", "patch"] = "patch"
    """Unit that is classified: `image` classifies each frame by the mean of its map; `patch` classifies each cell by
    its neighborhood."""
    discriminator_training: Literal["both", "only", "never"] = "both"
    """Networks that learn in this run. `both`: the network and the discriminator. `only`: the discriminator alone; the
    network stays the source model, its running statistics included, and `clean_weight` and `reversal` are not used.
    `never`: the network alone, against the discriminator as initialized, and `discriminator_rate` is not used."""
    discriminator_rate: Positive = 1e-3
    """Learning rate of the discriminator."""
    discriminator_width: Count = 64
    """Number of channels of the discriminator's two hidden layers."""
    masked_consistency: OwnTeacherSettings = OwnTeacherSettings()
    """Loss term on masked target frames, with labels of a teacher that is not evaluated. The head's batch norms process
    these frames, too."""
    style: StyleSettings = StyleSettings()
    """Style augmentation of replayed source frames."""

    def term_weights(self) -> Mapping[str, float]:
        """Returns the weights of the cross-entropy, 0 if the network does not learn, the domain loss and `masked`."""
        clean = 0.0 if self.discriminator_training == "only" else self.clean_weight
        return {"clean": clean, "domain": self.weight, "masked": self.masked_consistency.weight}

    @model_validator(mode="after")
    def _something_to_consolidate(self) -> Self:
        if self.discriminator_training == "only" and self.consolidation.weight > 0.0:
            raise ValueError(
                f"consolidation.weight is {self.consolidation.weight}, but discriminator_training 'only' lets nothing "
                "of the network learn; set it to 0, or discriminator_training to both"
            )
        return self

    @model_validator(mode="after")
    def _something_to_mask_for(self) -> Self:
        if self.discriminator_training == "only" and self.masked_consistency.weight > 0.0:
            raise ValueError(
                f"masked_consistency.weight is {self.masked_consistency.weight}, but discriminator_training 'only' "
                "lets nothing of the network learn; set it to 0, or discriminator_training to both"
            )
        return self

    @model_validator(mode="after")
    def _discriminator_has_a_loss(self) -> Self:
        if self.discriminator_training == "only" and self.weight == 0.0:
            raise ValueError(
                "method.weight is 0.0, but method.discriminator_training is 'only', so that nothing would learn; "
                "choose a greater weight, or set discriminator_training to both"
            )
        return self
