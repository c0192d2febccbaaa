"""Label-free scores of the frames of a step, from predictions made before they are learned from."""

from collections.abc import Mapping

from torch import Tensor

from segada.evaluation.label_free import ScoreInputs, check_inputs, measured, validated
from segada.methods.base import Method
from segada.models.learning import source_copy
from segada.models.segmentor import Segmentor
from segada.settings.run import RunSettings


class LabelFree:
    """Computes the scores that `evaluation.label_free` names.

    Args:
        settings: Settings of the run.
        network: The source model, of which a copy is kept if a score compares with it.
        method: The method that is scored.
    """

    def __init__(self, settings: RunSettings, network: Segmentor, method: Method) -> None:
        self._names, self._source, self._method = settings.evaluation.label_free, settings.stream.source, method
        check_inputs(self._names, method.other_network)
        compared = settings.evaluation.online and "static_divergence" in self._names
        self._source_model = source_copy(network) if compared else None

    def of(self, images: Tensor, logits: Tensor) -> dict[str, Tensor]:
        """Returns the scores [B] by name, of images [B, 3, H, W] and the evaluated network's logits [B, K, h, w]."""
        inputs = ScoreInputs(images, logits, self._method.predict, self._method.other_network, self._source_model)
        return measured(self._names, inputs)

    def of_visit(self, miou: Mapping[str, float]) -> dict[str, float]:
        """Returns the scores of a visit that need no predictions, from the mIoU by domain; none if it is empty."""
        return validated(self._names, miou, self._source) if miou else {}
