"""Preprocessing that a checkpoint states: beside its weights in a folder, or within its file."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from torch import Tensor

from segada.models.formats.config_text import from_meta
from segada.models.formats.contents import OpenedFile
from segada.models.formats.copies import DEEPEST, state_dicts
from segada.models.formats.opening import PROCESSOR
from segada.models.preprocessing import CURE, IMAGENET, IMAGENET_MEAN, IMAGENET_STD, Preprocessing, from_facts, scaled

BYTE: Final = 255.0
BUFFERS: Final = (("mean", "std"), ("pixel_mean", "pixel_std"))
"""Last components of the names under which training codes keep mean and standard deviation among the weights."""
KNOWN: Final = (
    *("do_normalize", "image_mean", "image_std", "do_rescale", "rescale_factor", "rescale_offset", "do_resize", "size"),
    *("image_processor_type", "feature_extractor_type"),
)
"""Entries of which the file of every image processor has one."""
SEGFORMER: Final = ("SegformerImageProcessor", "SegformerImageProcessorFast", "SegformerFeatureExtractor")
"""Processors of transformers whose mean and standard deviation are ImageNet's where they are not given."""


def stated_preprocessing(opened: OpenedFile, usual: Preprocessing = IMAGENET) -> Preprocessing:
    """Returns the preprocessing that an opened checkpoint states; the usual one of its encoder if it states none.

    Of several statements the first counts: our metadata, `preprocessor_config.json` of transformers, `config.json` of
    timm or segmentation_models.pytorch, the configuration of mmsegmentation, parameters of segmentation_models.pytorch
    or timm beside the weights, buffers among the weights.

    Raises:
        ValueError: A statement cannot be read; the message names its place and the cure.
    """
    readers = (_from_facts, _from_processor, _from_config, _from_meta, _from_parameters, _from_buffers)
    try:
        found = (reader(opened) for reader in readers)
        return next((one for one in found if one is not None), usual)
    except ValueError as error:
        raise ValueError(f"{opened.path}: {error}") from error


def buffers(tensors: Mapping[str, Tensor]) -> list[tuple[str, str]]:
    """Returns the names of mean and standard deviation of pixels among tensors, one pair per network."""
    pairs = [
        (name, f"{name.removesuffix(mean)}{std}")
        for mean, std in BUFFERS
        for name in tensors
        if name.rpartition(".")[2] == mean
    ]
    return [pair for pair in pairs if all(name in tensors and tensors[name].numel() in (1, 3) for name in pair)]


def _from_facts(opened: OpenedFile) -> Preprocessing | None:
    """Returns the preprocessing of a file of ours; in a folder written for transformers, ours name no encoder."""
    ours = not opened.metadata.keys().isdisjoint({"encoder", "network"})
    return from_facts(opened.metadata, "its metadata") if ours else None


def _from_processor(opened: OpenedFile) -> Preprocessing | None:
    """Returns what an image processor of transformers does to the values of pixels."""
    given = {name: value for name, value in opened.processor.items() if value is not None}
    if not given:
        return None
    if given.keys().isdisjoint(KNOWN):
        known = ", ".join(KNOWN)
        raise ValueError(f"{PROCESSOR} is not of an image processor: it has none of {known}; copy it again, or {CURE}")
    if given.get("rescale_offset"):
        raise ValueError(f"{PROCESSOR} has rescale_offset, which is not supported; {CURE}")
    order = "bgr" if given.get("do_flip_channel_order", False) else "rgb"
    white = BYTE * _number(given.get("rescale_factor", 1 / BYTE)) if given.get("do_rescale", True) else BYTE
    # 255 times the 1 / 255 that is written in files may be 1 less a rounding error.
    white = round(white, 9)
    if not given.get("do_normalize", True):
        return scaled(0.0, 1.0, white, order, PROCESSOR)
    kind = given.get("image_processor_type", given.get("feature_extractor_type", SEGFORMER[0]))
    if not {"image_mean", "image_std"} <= given.keys() and kind not in SEGFORMER:
        raise ValueError(f"{PROCESSOR} of {kind} lacks image_mean or image_std; write them there, or {CURE}")
    mean, std = given.get("image_mean", IMAGENET_MEAN), given.get("image_std", IMAGENET_STD)
    return scaled(mean, std, white, order, PROCESSOR)


def _from_config(opened: OpenedFile) -> Preprocessing | None:
    inner = opened.config.get("pretrained_cfg")
    return _from_mapping(inner if isinstance(inner, dict) else opened.config, "config.json")


def _from_meta(opened: OpenedFile) -> Preprocessing | None:
    return from_meta(opened.content.get("meta"))


def _from_parameters(opened: OpenedFile) -> Preprocessing | None:
    found = (_from_mapping(held, place) for place, held in _mappings(opened.content))
    return next((one for one in found if one is not None), None)


def _from_mapping(held: Mapping[str, Any], source: str) -> Preprocessing | None:
    """Returns what the parameters of segmentation_models.pytorch, or the pretrained_cfg of timm, state."""
    if held.get("mean") is None or held.get("std") is None:
        return None
    bounds = held.get("input_range")
    # As segmentation_models.pytorch does: pixels are in [0, 1] if the range ends with 1, else they are bytes.
    white = BYTE if isinstance(bounds, list | tuple) and list(bounds)[-1:] != [1] else 1.0
    return scaled(held["mean"], held["std"], white, held.get("input_space") or "RGB", source)


def _mappings(content: Mapping[str, Any], place: str = "", depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields nested mappings that hold parameters, with the path of keys that leads to each."""
    for name, value in content.items():
        if isinstance(value, dict) and depth < DEEPEST:
            inner = f"{place}.{name}" if place else str(name)
            if name == "pretrained_cfg" or {"input_space", "input_range"} & value.keys():
                yield f"its {inner}", value
            yield from _mappings(value, inner, depth + 1)


def _from_buffers(opened: OpenedFile) -> Preprocessing | None:
    """Returns what buffers among the weights state; numbers above 1 are of bytes."""
    for _, tensors in state_dicts(opened.content):
        for pair in buffers(tensors):
            mean, std = (tensors[name].double().flatten().tolist() for name in pair)
            return scaled(mean, std, BYTE if max(mean + std) > 1.0 else 1.0, "rgb", f"its {' and '.join(pair)}")
    return None


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{PROCESSOR} has rescale_factor {value!r}, which is no number; {CURE}")
    return float(value)
