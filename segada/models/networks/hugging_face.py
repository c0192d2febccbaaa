"""Networks for semantic segmentation of transformers, with the weights of their folder."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from segada.models.formats.contents import StoredWeights
from segada.models.formats.opening import open_neighbors
from segada.models.formats.stated_preprocessing import stated_preprocessing
from segada.models.networks.absent import library
from segada.models.networks.contents import BuiltNetwork
from segada.settings.networks import find_folder

T = TypeVar("T")


def build_hugging_face(name: str, classes: int) -> BuiltNetwork:
    """Builds the network of a local folder for a number of classes, with random weights; its own are read if asked for.

    Raises:
        ValueError: The folder is missing, or its network is not for semantic segmentation.
    """
    transformers = library("transformers", name)
    folder = find_folder(name)
    assert folder is not None
    with _silent(transformers):
        config = _read(folder, lambda: transformers.AutoConfig.from_pretrained(folder, local_files_only=True))
        kind = transformers.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING.get(type(config), None)
        if kind is None:
            raise ValueError(
                f"model.network is {name}, whose network {config.model_type!r} is not for semantic segmentation; give "
                "a folder that AutoModelForSemanticSegmentation opens"
            )
        config.num_labels = classes
        # Weights of a backbone would be downloaded.
        if getattr(config, "use_pretrained_backbone", False):
            config.use_pretrained_backbone = False
        module = kind(config).float()
    stated = stated_preprocessing(open_neighbors(folder))

    def read(path: Path) -> StoredWeights:
        with _silent(transformers):
            return _read(path, lambda: _weights(kind, path))

    return BuiltNetwork(module, folder=folder, read=read, preprocessing=stated)


def _weights(kind: Any, folder: Path) -> StoredWeights:
    """Returns the weights of a folder under the names of modules, which differ from those in its files."""
    network, found = kind.from_pretrained(folder, local_files_only=True, output_loading_info=True)
    drawn, stated = set(found["missing_keys"]), open_neighbors(folder)
    state = network.float().state_dict()
    return StoredWeights(
        {name: value for name, value in state.items() if name not in drawn},
        {},
        f"transformers, {kind.__name__}",
        dict.fromkeys(found["unexpected_keys"], "not part of the network"),
        class_names=stated.class_names,
        preprocessing=stated_preprocessing(stated),
    )


def _read(folder: Path, reader: Callable[[], T]) -> T:
    try:
        return reader()
    except Exception as error:
        said = (str(error).strip().splitlines() or [""])[0]
        raise ValueError(
            f"{folder} cannot be read by transformers: {type(error).__name__}: {said}; copy the folder again"
        ) from error


@contextmanager
def _silent(transformers: ModuleType) -> Iterator[None]:
    """Keeps progress bars and reports of transformers from the terminal: the load report says the same."""
    logging = transformers.utils.logging
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()
