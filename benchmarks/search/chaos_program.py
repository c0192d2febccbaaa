"""Program of an external engine for fault injection: trains a classifier of pixels, visit by visit, and can resume.

It imports nothing of this repository. It appends a visit after its state is on disk, both in one order, so that a visit
that is recorded in its log is never repeated.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml

VISITS = ("fog", "night", "rain")
CLASSES, FEATURES, PIXELS, FRAMES = 4, 6, 60, 4
STEP_SECONDS = 0.01
"""Time for which each step also waits, so that faults have something to hit."""


def main() -> None:
    """Runs all visits that are left."""
    settings, folder, seed, split, *rest = sys.argv[1:]
    given, place = yaml.safe_load(Path(settings).read_text(encoding="utf-8")), Path(folder)
    state, weights, areas = place / "state.npz", np.zeros((FEATURES, CLASSES)), dict[str, np.ndarray]()
    if "--resume" in rest and state.exists():
        with np.load(state) as kept:
            areas = {name: kept[name] for name in kept.files if name != "weights"}
            weights = kept["weights"]
    for number in range(max(0, len(areas) - 1), len(VISITS)):
        if number >= len(areas):
            _train(weights, np.random.default_rng([int(seed), number]), given)
            frames = (pixels(np.random.default_rng([number, frame, *split.encode()])) for frame in range(FRAMES))
            areas[f"visit{number}"] = np.stack([counted(weights, *frame) for frame in frames])
            write(state, weights=weights, **areas)
            print(f"done with visit {number} of {len(VISITS)}", flush=True)
        # The last one may be in the state and not yet in the lines.
        write(place / "areas.npz", **areas)
        both, found, truth = areas[f"visit{number}"].sum(0)
        line = {"visit": number, "domain": VISITS[number], "miou": float((both / (found + truth - both)).mean())}
        with (place / "visits.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def pixels(draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draws features [pixels, features] and classes [pixels] of a frame."""
    classes = np.concatenate([np.arange(CLASSES), draw.integers(CLASSES, size=PIXELS - CLASSES)])
    return np.eye(FEATURES)[classes] + draw.normal(0, 0.6, (PIXELS, FEATURES)), classes


def counted(weights: np.ndarray, features: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Counts pixels [3, classes]: in the intersection, predicted, labelled."""
    found, truth = np.eye(CLASSES, dtype=np.int64)[[(features @ weights).argmax(1), classes]]
    return np.stack([(found * truth).sum(0), found.sum(0), truth.sum(0)])


def write(path: Path, **arrays: Any) -> None:
    """Writes a file as a whole or not at all."""
    draft = path.with_name(f".{path.name}")
    with draft.open("wb") as file:
        np.savez(file, **arrays)
    draft.replace(path)


def _train(weights: np.ndarray, draw: np.random.Generator, given: dict[str, float]) -> None:
    for _ in range(int(given["steps"])):
        features, classes = pixels(draw)
        scores = np.exp(features @ weights)
        gradient = features.T @ (scores / scores.sum(1, keepdims=True) - np.eye(CLASSES)[classes]) / PIXELS
        weights -= given.get("rate", 1.0) * gradient
        time.sleep(STEP_SECONDS)


if __name__ == "__main__":
    main()
