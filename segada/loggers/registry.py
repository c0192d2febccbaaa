"""Builds the watchers that settings enable."""

from segada.artifacts.run_dir import RunDir
from segada.loggers.base import Watcher
from segada.loggers.class_tables import ClassTables
from segada.loggers.frame_log import FrameLog
from segada.loggers.mix_panels import MixPanels
from segada.loggers.prediction_panels import PredictionPanels
from segada.methods.base import Method
from segada.settings import RunSettings


def watchers(settings: RunSettings, folder: RunDir, method: Method) -> list[Watcher]:
    """Returns the watchers that `logging` enables; empty if none.

    Args:
        settings: Settings of the run.
        folder: Folder of the run, to which watchers write.
        method: Method of the run.
    """
    logging, classes = settings.logging, settings.data.classes
    chosen: list[Watcher] = []
    if logging.frames:
        chosen.append(FrameLog(folder))
    if logging.class_tables is not None:
        chosen.append(ClassTables(folder, logging.class_tables, classes.names))
    if logging.prediction_panels is not None:
        chosen.append(PredictionPanels(folder, logging.prediction_panels, classes))
    if logging.mix_panels is not None:
        chosen.append(MixPanels(folder, method, logging.mix_panels, classes))
    return chosen
