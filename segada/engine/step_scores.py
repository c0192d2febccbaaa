"""Label-free scores of the frames of a step, from predictions made before they are learned from."""

from torch import Tensor

from segada.evaluation.label_free import ScoreInputs, check_inputs, measured
from segada.methods.base import Method
from segada.models.learning import source_copy
from segada.models.segmentor import Segmentor
from segada.settings.evaluation import EvaluationSettings


class LabelFree:
    """Computes the scores that `evaluation.label_free` names.

    Args:
        settings: Settings of the evaluation.
        network: The source model, of which a copy is kept if a score compares with it.
        method: The method that is scored.
    """

    def __init__(self, settings: EvaluationSettings, network: Segmentor, method: Method) -> None:
        check_inputs(settings.label_free, method.other_network)
        self._names, self._method = settings.label_free, method
        compared = settings.online and "static_divergence" in settings.label_free
        self._source_model = source_copy(network) if compared else None

    def of(self, images: Tensor, logits: Tensor) -> dict[str, Tensor]:
        """Returns the scores [B] by name, of images [B, 3, H, W] and the evaluated network's logits [B, K, h, w]."""
        inputs = ScoreInputs(images, logits, self._method.predict, self._method.other_network, self._source_model)
        return measured(self._names, inputs)
