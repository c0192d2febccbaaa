"""Patterns of files in settings: which are refused, and why."""

import pytest
from pydantic import ValidationError

from segada.settings.domains import FoldersDomain
from segada.settings.file_pattern import key_wildcards


@pytest.mark.parametrize(
    ("pattern", "wildcards"),
    [
        ("*.png", ("*",)),
        ("./a//**/b_*.png", ("**", "*")),
        ("rgb/*.*", ("*",)),
        ("*.*/*.*", ("*", "*", "*")),
        ("a/x??_*.p?g", ("?", "?", "*", "?")),
    ],
)
def test_wildcards_of_a_key(pattern: str, wildcards: tuple[str, ...]) -> None:
    assert key_wildcards(pattern) == wildcards


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("*.png", "ids/*.png"),
        ("rgb/*.*", "ids/*.png"),
        ("rgb/*.*", "ids/*.*"),
        ("drives/*/rgb/*.jpg", "*_*.png"),
        ("**/*.jpg", "ids/**/*_ids.png"),
        ("rgb/*", "ids/*"),
        ("rgb/frame????.png", "ids/????_ids.png"),
    ],
)
def test_patterns_with_the_same_wildcards_are_a_pair(images: str, labels: str) -> None:
    assert FoldersDomain(dataset="folders", images=images, labels=labels).images == images


@pytest.mark.parametrize(
    ("patterns", "said"),
    [
        (
            {"images": "rgb/*_*.png"},
            r"images 'rgb/\*_\*.png' has the wildcards \* \* and labels 'ids/\*.png' has \*, but",
        ),
        ({"images": "rgb/*/*.png"}, r"both need the same ones in the same order; add the missing ones, or write out"),
        ({"images": "**/*.png"}, r"has the wildcards \*\* \* and labels"),
        ({"images": "rgb/?.png"}, r"has the wildcards \? and labels 'ids/\*.png' has \*"),
        ({"images": "*/?.png", "labels": "?/*.png"}, r"has the wildcards \* \? and labels '\?/\*.png' has \? \*"),
        ({"images": "*.p*"}, r"has the wildcards \* \* and"),
        ({"held_out_images": "a/*_*.png", "held_out_labels": "b/*.png"}, r"held_out_images .* and held_out_labels"),
        ({"depth": "depth/*/*.png"}, r"images .* and depth 'depth/\*/\*.png' has \* \*"),
        (
            {"depth": "depth/*.png", "held_out_images": "a/*/*.png", "held_out_labels": "b/*/*.png"},
            r"held_out_images .* and depth",
        ),
        ({"images": "rgb [x]/*.png"}, r"'rgb \[x\]/\*.png': a pattern has no brackets; write \* or \? for"),
        ({"images": "/data/rgb/*.png"}, r"no pattern below a folder; give the folder as root"),
        ({"images": "."}, r"the pattern is empty; write one for the names of files"),
        ({"images": "rgb/**.png"}, r"\*\* stands for whole folders, between slashes; write \*\*/\* for all files"),
        ({"images": "rgb/**"}, r"\*\* stands for whole folders"),
        ({"images": "a**/*.png"}, r"\*\* stands for whole folders"),
        ({"images": "rgb/0.*"}, r"this is one file; write \* for the part of the name"),
        ({"images": "rgb/0.png"}, r"this is one file; write \* for the part of the name"),
    ],
)
def test_patterns_that_cannot_be_paired_are_refused(patterns: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FoldersDomain.model_validate({"dataset": "folders", "images": "rgb/*.png", "labels": "ids/*.png"} | patterns)
