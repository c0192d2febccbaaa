"""Which watchers a run has."""

from segada.artifacts.run_dir import RunDir
from segada.loggers.base import Watcher
from segada.loggers.class_tables import ClassTables
from segada.loggers.frame_log import FrameLog
from segada.loggers.mix_panels import MixPanels
from segada.loggers.prediction_panels import PredictionPanels
from segada.methods.base import Method
from segada.settings import RunSettings


def watchers(settings: RunSettings, folder: RunDir, method: Method) -> list[Watcher]:
    """Those that `watch` asks for; empty if it asks for nothing.

    Args:
        settings: Of the run.
        folder: Where they write.
        method: What they look at.
    """
    watch = settings.watch
    chosen: list[Watcher] = []
    if watch.frames:
        chosen.append(FrameLog(folder))
    if watch.class_tables is not None:
        chosen.append(ClassTables(folder, watch.class_tables))
    if watch.prediction_panels is not None:
        chosen.append(PredictionPanels(folder, watch.prediction_panels))
    if watch.mix_panels is not None:
        chosen.append(MixPanels(folder, method, watch.mix_panels))
    return chosen
