"""Our own engine as the program of an external one: it reports each visit of a run in lines, and leaves its areas."""

import json
import shutil
import sys
from pathlib import Path

import yaml

import segada


def main() -> None:
    settings, folder, seed, split = sys.argv[1:]
    place, given = Path(folder), yaml.safe_load(Path(settings).read_text())
    run = segada.RunSettings.model_validate({**given, "seed": int(seed), "evaluation": {"split": split}}, strict=False)
    for visit in segada.Run(run, out=place / "run"):
        line = {"visit": visit.visit, "domain": visit.domain, "frames": visit.frames, "miou": visit.miou}
        with (place / "visits.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
    shutil.copy(place / "run" / "areas.npz", place)


if __name__ == "__main__":
    main()
