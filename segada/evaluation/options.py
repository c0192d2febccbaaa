"""Parses and checks the options of an evaluation before any file is read."""

import argparse
import re
from collections.abc import Sequence
from typing import Final

from segada.errors import InputError
from segada.evaluation.checkpoints import find_models, frame_settings
from segada.evaluation.choices import SCALES
from segada.evaluation.records import Protocol
from segada.evaluation.request import Request
from segada.models.segmentor import SMALLEST_SIDE
from segada.settings import RunSettings
from segada.settings.assignments import parse_assignments
from segada.settings.class_sets import CITYSCAPES
from segada.settings.limits import COUNT
from segada.settings.schema import nearest

Size = tuple[int, int]

OVERLAP: Final = 3
"""Windows overlap by one part in this many if no stride is given, as in mmsegmentation (512 and 341)."""


def parse_request(arguments: argparse.Namespace) -> Request:
    """Returns the evaluation that a command line asks for.

    Args:
        arguments: Options of `segada.evaluate`.

    Raises:
        InputError: an option, a checkpoint or a setting is wrong.
    """
    if arguments.batch_size is not None and not 1 <= arguments.batch_size <= COUNT:
        raise InputError(f"--batch-size must be between 1 and {COUNT}, but is {arguments.batch_size}")
    overrides = parse_assignments(arguments.assignments)
    models = find_models(arguments.checkpoints, arguments.settings, overrides)
    settings = frame_settings(models, arguments.settings, overrides)
    if "label_ids" in arguments.save and settings.data.classes != CITYSCAPES:
        raise InputError(
            "--save label_ids: the ids are those of Cityscapes, but data.classes is another set; save labels"
        )
    return Request(
        models=models,
        settings=settings,
        protocol=parse_protocol(arguments, settings.data.size),
        domains=_domains(arguments.domains, settings),
        kept=tuple(dict.fromkeys(arguments.save)),
        most=arguments.batch_size,
    )


def _domains(given: Sequence[str] | None, settings: RunSettings) -> tuple[str, ...]:
    for name in given or ():
        if name not in settings.data.domains:
            raise InputError(
                f"--domains {name}: data.domains has no such name; {nearest(name, sorted(settings.data.domains))}"
            )
    if given is not None:
        return tuple(dict.fromkeys(given))
    if not settings.evaluation.holds_out:
        raise InputError("evaluation.domains of these settings is [], so that nothing is evaluated; name --domains")
    return settings.scored_domains() or settings.unlabelled()


def parse_protocol(arguments: argparse.Namespace, size: Size) -> Protocol:
    """Returns the protocol by which frames are predicted.

    Args:
        arguments: Namespace with `split`, `tta`, `scales`, `no_flip`, `slide` and `stride`.
        size: Height and width of the frames that networks receive.

    Raises:
        InputError: if a value is wrong, or belongs to an option that was not given.
    """
    slide: str | None = arguments.slide
    crop = None if slide is None else parse_size(slide, "--slide")
    stride = _stride(arguments.stride, crop)
    smallest = size if crop is None else (min(size[0], crop[0]), min(size[1], crop[1]))
    if crop is not None and min(crop) < SMALLEST_SIDE:
        raise InputError(f"--slide {slide}: a window must have at least {SMALLEST_SIDE} pixels on a side")
    scales = _scales(arguments.tta, arguments.scales, arguments.no_flip)
    _check_smallest(arguments, scales, smallest, size)
    return Protocol(
        split=arguments.split,
        size=size,
        scales=scales,
        mirrored=arguments.tta and not arguments.no_flip,
        crop=crop,
        stride=stride,
    )


def _check_smallest(arguments: argparse.Namespace, scales: Sequence[float], seen: Size, size: Size) -> None:
    """Refuses images that are too small for every network; blames the option that makes them so, or the frames."""
    if min(size) < SMALLEST_SIDE:
        raise InputError(
            f"data.size is {size[0]} x {size[1]}, but every network needs at least {SMALLEST_SIDE} pixels on a side; "
            "set a larger data.size"
        )
    for scale in scales:
        if scale * min(seen) < SMALLEST_SIDE:
            option = "--tta" if arguments.scales is None else "--scales"
            raise InputError(
                f"{option}: scale {scale:g} makes images of {seen[0]} x {seen[1]} smaller than {SMALLEST_SIDE} pixels "
                "on a side, too small for every network; give greater ones with --scales"
            )


def parse_size(text: str, option: str) -> Size:
    """Parses height and width: `512` as (512, 512), `512x1024` as (512, 1024).

    Raises:
        InputError: if the text is neither, or a side is 0 or has more than five digits.
    """
    found = re.fullmatch(r"([1-9]\d{0,4})(?:x([1-9]\d{0,4}))?", text)
    if found is None:
        raise InputError(
            f"{option} {text[:60]}: must be pixels, as in {option} 512, or height and width, {option} "
            "512x1024; at most 99999 of them"
        )
    return int(found[1]), int(found[2] or found[1])


def _stride(text: str | None, crop: Size | None) -> Size | None:
    if crop is None:
        if text is not None:
            raise InputError(f"--stride {text}: requires --slide; add it, or leave --stride out")
        return None
    if text is None:
        return max(1, crop[0] - crop[0] // OVERLAP), max(1, crop[1] - crop[1] // OVERLAP)
    stride = parse_size(text, "--stride")
    if stride[0] > crop[0] or stride[1] > crop[1]:
        raise InputError(
            f"--stride {text}: leaves gaps between windows of {crop[0]} x {crop[1]}; give at most their sides"
        )
    return stride


def _scales(augmented: bool, given: Sequence[float] | None, no_flip: bool) -> tuple[float, ...]:
    if not augmented:
        for option, is_given in (("--scales", given is not None), ("--no-flip", no_flip)):
            if is_given:
                raise InputError(f"{option}: requires --tta; add it, or leave {option} out")
        return (1.0,)
    scales = SCALES if given is None else tuple(given)
    for scale in scales:
        if not 0.0 < scale <= 8.0:
            raise InputError(f"--scales {scale:g}: must be above 0 and at most 8; 1 keeps the frame's size")
    return scales
