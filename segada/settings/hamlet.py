"""Settings of Hamlet's controller and its parts, each of which can be switched off."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from segada.settings.base import Count, Fraction, NonNegative, Positive, Settings
from segada.settings.dacs import DacsSettings
from segada.settings.learning import LearningSettings
from segada.settings.method import MethodSettings

FourPositive = Annotated[tuple[Positive, Positive, Positive, Positive], Field(strict=False)]
FourNonNegative = Annotated[tuple[NonNegative, NonNegative, NonNegative, NonNegative], Field(strict=False)]


@dataclass(frozen=True, slots=True)
class SignalScale:
    """Scale of a signal in nats: the change that counts as a jump, and the values near and far from the source
    domain."""

    threshold: float
    near: float
    far: float


SIGNAL_SCALES: Mapping[str, SignalScale] = {
    "light": SignalScale(threshold=0.23, near=0.8, far=1.9),
    "full": SignalScale(threshold=0.04, near=0.14, far=0.38),
}
"""Default scale of each signal, for nulls in `DetectorSettings`: `near` in clear weather and `far` at 200 mm/h on the
default streets.

Hamlet's are 0.23, 0.8 and 2.55 for rain on Cityscapes, with `light`.
"""


class DetectorSettings(Settings):
    """Detector of domain shifts: a shift is a windowed mean of the signal farther than `threshold` from the reference.

    The signal is the static model's cross-entropy, in nats per pixel, against the evaluated network's prediction of the
    same frame. It rises with the distance from the source domain.
    """

    signal: Literal["none", "light", "full"] = "full"
    """Output of the static model that the signal uses: its light exit, as in Hamlet, or its main exit, which costs a
    full forward pass. With `none` no other setting of this section is used; with a signal and no policy that uses it,
    the signal is only reported."""
    window: Count = 20
    """Number of frames in the windowed mean; Hamlet uses 75 of some 9000 in a visit."""
    threshold: Positive | None = None
    """Change of the mean that counts as a jump; null takes 0.23 for `light`, which is Hamlet's, and 0.04 for `full`."""
    near: NonNegative | None = None
    """Mean in or near the source domain; null takes 0.8 for `light`, which is Hamlet's, and 0.14 for `full`."""
    far: NonNegative | None = None
    """Mean far from the source domain; null takes 1.9 for `light`, where Hamlet has 2.55, and 0.38 for `full`."""

    def scale(self) -> SignalScale:
        """Returns the scale of the signal with nulls replaced; `signal` is not `none`."""
        usual = SIGNAL_SCALES[self.signal]
        return SignalScale(
            threshold=usual.threshold if self.threshold is None else self.threshold,
            near=usual.near if self.near is None else self.near,
            far=usual.far if self.far is None else self.far,
        )


class BudgetSettings(Settings):
    """Number of training steps after a jump."""

    policy: Literal["none", "jump", "fixed"] = "jump"
    """Budget policy. `none` learns from every frame; with `jump` each jump adds steps in proportion to its size, and
    without steps left nothing is learned; with `fixed` each jump sets the number of steps left, as Hamlet does with the
    rate `adaptive_init`."""
    steps: Count = 15
    """Number of steps that a jump by one threshold adds, up to `cap`, or that any jump sets; Hamlet 750, with one frame
    a step and some 9000 in a visit."""
    back_near: NonNegative = 0.25
    """Factor on `steps` for a jump back to the source domain that ends at `detector.near`."""
    back_far: NonNegative = 0.75
    """Factor on `steps` for a jump towards the source domain that ends at `detector.far`. Linear between the two."""
    cap: Count = 30
    """Greatest number of steps that can be left; Hamlet 4450. Only with `jump`."""
    before_first_jump: Literal["train", "wait"] = "train"
    """Behavior until the first jump: `train` learns from every frame, `wait` learns from none, as in Hamlet."""


class RatePolicySettings(Settings):
    """Learning rate after a jump; until the first one, the optimizer's rate is used."""

    policy: Literal["constant", "adaptive_slope", "adaptive_init"] = "constant"
    """Rate policy. `constant` leaves the rate to the optimizer.

    `adaptive_slope` starts each budget at a rate that grows with the distance of the domain, and falls to 0 over the
    budget. `adaptive_init` adds to the rate an amount that grows with the jump, and falls to 0 over `fall`.
    """
    near: Positive = 2e-3
    """Start of the slope at `detector.near`; Hamlet 1.5e-5. Only with `adaptive_slope`."""
    far: Positive = 4e-3
    """Start of the slope at `detector.far`; Hamlet 6e-5. Only with `adaptive_slope`."""
    initial: Positive = 5e-4
    """Rate to which the first jump adds, and half of the amount added per threshold; Hamlet 1.5e-5. Only with
    `adaptive_init`."""
    ceiling: Positive = 4e-3
    """Greatest amount that a jump adds, and greatest rate; Hamlet 1e-3. Only with `adaptive_init`."""
    fall: Count = 30
    """Number of steps from a jump until the rate is 0; Hamlet 750. Only with `adaptive_init`."""
    keeps_head_factor: bool = True
    """If true, the optimizer's `head_factor` also holds after a jump; in Hamlet it is lost. With `constant` it always
    holds."""


class MixPolicySettings(Settings):
    """Number of classes that are pasted after a jump; until the first one, the method's `mix_ratio` is used."""

    policy: Literal["constant", "dynamic"] = "constant"
    """Mix policy. `dynamic` pastes fewer source classes the farther the domain is; none where a search tries a
    `mix_weight` of 0."""
    near: Fraction = 0.5
    """Share of the source classes that is pasted at `detector.near`."""
    far: Fraction = 0.25
    """Share of the source classes that is pasted at `detector.far`."""


class ModularSettings(Settings):
    """Modular training: the encoder stages that learn in a step, from a first stage on; earlier stages are frozen."""

    policy: Literal["none", "reward", "random", "fixed"] = "none"
    """Choice of the first stage that learns: `none` is always stage 0, `reward` the one with the best score, `random`
    drawn, `fixed` given by `first_stage`."""
    first_stage: Annotated[int, Field(ge=0, le=3)] = 0
    """First stage that learns, counted from 0: Hamlet's module number minus one. Only with `fixed`."""
    probabilities: FourNonNegative = (0.25, 0.25, 0.25, 0.25)
    """Probability of each stage being the first, up to a common factor. Only with `random`."""
    alpha: Fraction = 0.1
    """Weight of the newest gain in the scores. Only with `reward`."""
    speeds: FourPositive | None = None
    """Steps per second with each stage as the first, which favors the fast ones; null favors none.

    Hamlet's are 4.21, 4.83, 5.11 and 5.73. Only with `reward`.
    """
    temperature: Positive = 1.75
    """Temperature: a gain is weighted with softmax(speeds / temperature). Only with `reward`, and if `speeds` are
    given."""
    loss: str = "mix"
    """Term of the step's loss on which gains are measured, by its name in `visits.jsonl`. It is multiplied by the
    method's weight.

    A common factor scales all scores alike, so that the choice is that of the unweighted term. Only with `reward`.
    """
    head: Literal["all", "projections"] = "all"
    """Parts of the head that learn: all that read no earlier stage, or of those only the projections, which read a
    single stage.

    Hamlet's modular training always freezes the fusion and the classifier. Applies to every policy.
    """


class HamletSettings(Settings):
    """Learn after a domain shift, by an amount that grows with the shift (Colomer et al. 2023, Hamlet, arXiv
    2307.15063).

    The defaults are the parts that suit every method: detector and budget. Hamlet itself has all parts, and DACS:
    `detector.signal` light, `budget.before_first_jump` wait, `learning_rate.policy` adaptive_slope without
    `keeps_head_factor`, `mix.policy` dynamic, `modular.policy` reward with `speeds`, and `modular.head` projections.
    """

    name: Literal["hamlet"]
    detector: DetectorSettings = DetectorSettings()
    budget: BudgetSettings = BudgetSettings()
    learning_rate: RatePolicySettings = RatePolicySettings()
    mix: MixPolicySettings = MixPolicySettings()
    modular: ModularSettings = ModularSettings()

    def contradictions(self, head: str, method: MethodSettings) -> Iterator[str]:
        """Yields a line for each contradiction between these settings and others of the run.

        Args:
            head: Name of the network's head.
            method: Settings of the run's method.
        """
        if self.detector.signal == "none":
            yield from self._needs_a_detector()
        else:
            yield from self._detector_contradictions(head)
        if self.learning_rate.policy == "adaptive_slope" and self.budget.policy == "none":
            yield (
                "controller.learning_rate.policy is 'adaptive_slope', which falls over the budget, but "
                "controller.budget.policy is 'none'; set it to jump, or the rate's to adaptive_init"
            )
        if self.mix.policy == "dynamic" and not (isinstance(method, DacsSettings) and method.mixing == "class_mix"):
            yield (
                "controller.mix.policy is 'dynamic', but no classes are pasted; set it to constant, or method.name to "
                "dacs with class_mix as its method.mixing"
            )
        yield from self._modular_contradictions(method)

    def _needs_a_detector(self) -> Iterator[str]:
        idle = {"budget": "none", "learning_rate": "constant", "mix": "constant"}
        policies = {"budget": self.budget.policy, "learning_rate": self.learning_rate.policy, "mix": self.mix.policy}
        for part, policy in policies.items():
            if policy != idle[part]:
                yield (
                    f"controller.{part}.policy is {policy!r}, but no jump is ever seen with controller.detector.signal "
                    f"'none'; set the signal to full or light, or the policy to {idle[part]}"
                )

    def _detector_contradictions(self, head: str) -> Iterator[str]:
        if self.detector.signal == "light" and head != "multi_exit":
            yield (
                f"controller.detector.signal is 'light', but model.head {head!r} has no light exit; set model.head to "
                "multi_exit, or the signal to full"
            )
        scale = self.detector.scale()
        if scale.near >= scale.far:
            yield (
                f"controller.detector.near is {scale.near}, but controller.detector.far is {scale.far}; choose a "
                "greater far"
            )

    def _modular_contradictions(self, method: MethodSettings) -> Iterator[str]:
        modular = self.modular
        if modular.policy == "random" and not any(modular.probabilities):
            yield "controller.modular.probabilities are all 0, but one stage must be the first; raise one of them"
        terms = method.loss_terms() if isinstance(method, LearningSettings) else ()
        if modular.policy == "reward" and modular.loss not in terms:
            yield (
                f"controller.modular.loss is {modular.loss!r}, but the terms that method.name {method.name!r} has, by "
                f"its weights, are {', '.join(terms) or 'none'}; choose one of these, or set controller.modular.policy "
                "to none"
            )
