"""Pictures of frames of each visit once it is over: the source model's predictions beside the adapted network's."""

import torch

from segada.artifacts.run_dir import RunDir
from segada.data.frame_schedule import FrameSchedule, Step
from segada.engine.run_data import RunData
from segada.loggers.disagreement_panels import DisagreementPanels, Predict
from segada.models.learning import source_copy
from segada.models.segmentor import Segmentor
from segada.settings import RunSettings


class VisitPictures:
    """Draws the frames that `logging.disagreement_panels` asks for; none, and at no cost, if it is 0."""

    def __init__(self, settings: RunSettings, data: RunData, folder: RunDir | None, network: Segmentor) -> None:
        """Copies the source model if pictures are drawn.

        Args:
            settings: Settings of the run.
            data: Data of the run.
            folder: Folder of the run; None draws nothing.
            network: Network before it has learned or been restored.
        """
        self._settings = settings
        self._data = data
        self._panels: DisagreementPanels | None = None
        if folder is not None and settings.logging.disagreement_panels > 0:
            self._panels = DisagreementPanels(folder, settings.data.classes, source_copy(network))

    def draw(self, visit: int, domain: str, predict: Predict) -> None:
        """Draws frames of a visit that is over.

        Args:
            visit: Number of the visit.
            domain: Domain of the visit.
            predict: The evaluated network.
        """
        if self._panels is None:
            return
        schedule = FrameSchedule(self._settings.stream, self._data.lengths)
        numbers = schedule.spread(visit, self._settings.logging.disagreement_panels)
        device = torch.device(self._settings.runtime.device)
        steps = [Step(0, numbers[place : place + 1]) for place in range(len(numbers))]
        frames = self._data.batches(domain, schedule, steps, device)
        self._panels.draw(visit, domain, dict(zip(numbers.tolist(), frames, strict=True)), predict)
