"""Panels of the mixing of source and target frames, and of the labels learned from them."""

from torch import Tensor

from segada.artifacts.run_dir import RunDir
from segada.data.frames import Bytes
from segada.loggers.base import SeenStep, Watcher, due
from segada.loggers.canvas import Panel, draw, labels_in
from segada.loggers.colors import label_map, mask, numbers, photograph, spotlight
from segada.methods.base import Method
from segada.methods.mix_visuals import MixPictures
from segada.settings.class_sets import ClassSet


class MixPanels(Watcher):
    """Draws one frame at regular intervals, from steps that learned."""

    def __init__(self, folder: RunDir, method: Method, every: int, classes: ClassSet) -> None:
        """Takes the method whose mixed frames are drawn.

        Args:
            folder: Folder of the run.
            method: A method that mixes.
            every: Number of frames from one panel to the next.
            classes: Classes of the labels.
        """
        self._folder = folder
        self._method = method
        self._every = every
        self._classes = classes

    def see(self, seen: SeenStep) -> None:
        """Draws a panel for each frame that is due."""
        pictures = self._method.pictures() if seen.plan.trains else None
        if pictures is None:
            return
        for frame in due(seen.first, len(seen.step.frames), self._every):
            place = f"visit {seen.visit} ({seen.domain}), frame {frame}"
            panel = mix_panel(pictures, frame - seen.first, place, self._classes)
            self._folder.write_panel(f"mix_{seen.visit}_{frame:06d}", draw(panel))


def mix_panel(pictures: MixPictures, index: int, place: str, classes: ClassSet) -> Panel:
    """Returns ten pictures of one frame of the batch: source above, target below, with the results of mixing beside."""
    mixed = pictures.mixed
    image, truth = pictures.source.images[index], _labels(pictures.source.labels[index])
    believed, learned = _labels(pictures.pseudo_labels[index]), _labels(mixed.labels[index])
    cells = _labels(pictures.cells[index])
    distant = pictures.distant[index].cpu().numpy()
    upper = (
        photograph("source", image),
        label_map("ground truth of the source", truth, classes),
        photograph("mixed", mixed.images[index]),
        label_map("labels of the mixed frame", learned, classes),
        spotlight(f"feature distance: counts in {100 * distant.mean():.0f} % of the cells", image, distant),
    )
    lower = (
        photograph("target", pictures.target[index]),
        label_map("pseudo-labels of the target", believed, classes),
        mask("what was pasted (white)", mixed.pasted[index]),
        numbers("weight", mixed.weight[index]),
        label_map("what fills the cells of the source (black: nothing)", cells, classes),
    )
    pasted = mixed.pasted[index].float().mean().item()
    title = f"mixed frames  ·  {place}  ·  source pasted onto {100 * pasted:.0f} %"
    return Panel(title, (upper, lower), truth.shape, labels_in(truth, believed, learned, cells), classes)


def _labels(labels: Tensor) -> Bytes:
    found: Bytes = labels.byte().cpu().numpy()
    return found
