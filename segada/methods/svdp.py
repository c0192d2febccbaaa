"""SVDP: sparse visual prompts at uncertain pixels, in the steps of CoTTA (Yang et al. 2023, arXiv 2303.09792).

A step, as in the authors' code: passes of the teacher with dropout give the uncertainty of each pixel; student and
teacher add their own prompt to the frame at its most uncertain pixels (`segada.selftraining.sparse_prompt`), the
teacher in every view; the student and its prompt descend the cross-entropy to CoTTA's pseudo-labels; the teacher
follows, its prompt with the share alpha - scale * mean uncertainty of the old one; the network is restored at random,
the prompt is not. A prediction, too, has the prompt of the evaluated network at the pixels that are uncertain for the
teacher. Prompts start from a normal distribution.

All formulas and numbers are those of the code (github.com/Anonymous-012/SVDP, tools/svdp.py and bash/svdp.sh), not of
the paper's text. Deviations: the code places prompts without recording gradients, so that they never learn; here they
do, as the paper says. Frames of a batch share the prompt, each at its own pixels. The optimizer keeps its moments when
the domain changes. The term on masked frames and the score `agreement` have no prompt.
"""

import torch
from torch import Tensor, nn

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.methods.base import MethodParts, State, StepLog
from segada.methods.cotta import Cotta
from segada.methods.learner import Terms
from segada.methods.optimizer import Beside
from segada.models.segmentor import FrozenPrefix
from segada.selftraining.sparse_prompt import DropoutUncertainty, classifiers, prompt_alpha, prompted
from segada.settings.svdp import SvdpSettings


class Svdp(Cotta):
    """CoTTA's student, teacher and source model, and the prompts of student and teacher."""

    def __init__(self, parts: MethodParts) -> None:
        settings = parts.settings.method
        assert isinstance(settings, SvdpSettings)
        self._prompting = settings
        count = _count(settings, parts.settings.data.size)
        if not classifiers(parts.network):
            raise ValueError(
                f"method.name is 'svdp', but {parts.network.setting} has no convolution with as many outputs as "
                "classes, before which dropout gives the uncertainty; set method.name to cotta"
            )
        device = parts.network.mean.device
        self._prompt = nn.Parameter(torch.randn((count, 3), generator=parts.initialization).to(device))
        self._teacher_prompt = self._prompt.detach().clone()
        self._uncertain = DropoutUncertainty(settings.passes, settings.dropout, parts.initialization)
        self._uncertainty = torch.zeros(())
        super().__init__(parts, Beside("prompt", {"prompt": self._prompt}, settings.prompt_lr))

    def step(self, target: Batch, plan: StepPlan) -> StepLog:
        """Makes CoTTA's step, then moves the teacher's prompt towards the student's."""
        log = super().step(target, plan)
        if plan.trains:
            alpha = prompt_alpha(self._prompting.ema_alpha, self._uncertainty, self._prompting.uncertainty_scale)
            with torch.no_grad():
                self._teacher_prompt.lerp_(self._prompt, 1.0 - alpha)
        return log

    def terms(self, target: Batch, plan: StepPlan) -> Terms:
        """Returns CoTTA's terms on prompted frames."""
        terms = super().terms(target, plan)
        return Terms(terms.losses, {**terms.watched, "uncertainty": self._uncertainty.mean()}, terms.counts)

    def predict(self, images: Tensor) -> Tensor:
        """Returns logits [B, K, H/4, W/4] of the evaluated network on prompted frames, or logarithms of the averaged
        probabilities [B, K, H, W]."""
        if self._prompting.prediction == "averaged":
            return super().predict(images)
        network = self.evaluated_network
        prompt = {"student": self._prompt, "teacher": self._teacher_prompt}[self._prompting.evaluated_network]
        network.eval()
        with torch.inference_mode():
            prefix = self.student.encode_frozen(images)
            uncertainty = self._uncertain(self.teacher, prefix)
            return network.decode(network.encode_rest(prompted(prefix, prompt, uncertainty)))

    def pseudo_labels(self, images: Tensor, prefix: FrozenPrefix, *, of_frame: bool) -> tuple[Tensor, Tensor]:
        """Returns probabilities of the teacher on prompted frames, and where the source model is confident."""
        with self.timer.part("uncertainty"):
            self._uncertainty = self._uncertain(self.teacher, prefix)
        return super().pseudo_labels(images, prefix, of_frame=of_frame)

    def student_maps(self, prefix: FrozenPrefix, plan: StepPlan) -> list[Tensor]:  # noqa: ARG002 - all stages pass gradients
        """Returns the student's maps of prompted frames; every stage passes gradients on to the prompt."""
        return self.student.encode_rest(prompted(prefix, self._prompt, self._uncertainty))

    def teacher_input(self, prefix: FrozenPrefix, *, mirrored: bool = False) -> FrozenPrefix:
        """Returns the view with the teacher's prompt."""
        return prompted(prefix, self._teacher_prompt, self._uncertainty, mirrored=mirrored)

    def state_dict(self) -> State:
        """Returns CoTTA's state and both prompts."""
        return {**super().state_dict(), "prompt": self._prompt.detach(), "teacher_prompt": self._teacher_prompt}

    def load_state_dict(self, state: State) -> None:
        """Restores the state that `state_dict` returned."""
        super().load_state_dict(state)
        with torch.no_grad():
            self._prompt.copy_(state["prompt"])
            self._teacher_prompt.copy_(state["teacher_prompt"])


def _count(settings: SvdpSettings, size: tuple[int, int]) -> int:
    count = int(size[0] * size[1] * settings.prompt_share)
    if count == 0:
        raise ValueError(
            f"method.prompt_share is {settings.prompt_share}, but data.size {size[0]} x {size[1]} would then have no "
            f"prompted pixel; choose a share of {1 / (size[0] * size[1]):.2g} or more"
        )
    return count
