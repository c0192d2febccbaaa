"""Invariants of a disturbed study's folder: no finished run is lost, repeated or different."""

import csv
import json
from collections.abc import Container, Iterator, Mapping
from pathlib import Path

from hpo.config.program import PLACE

VARYING_FIELDS = ("seconds", "frames_per_second", "peak_memory")
"""Fields of records that depend on clock and memory and differ between any two runs."""
VARYING_COLUMNS = ("seconds", "incidents")
"""Columns of results.csv that differ between any two runs."""
BYTE_FOR_BYTE = ("weights.safetensors", "areas.npz", "frames.jsonl")
"""Files of a run that must be equal byte for byte."""

KINDS_OF_RUNS = ("baselines", "trials", "confirmation")
"""Folders of a study that contain folders of runs."""

_VISIT = " visit "
_WENT_BACK = "; the run continues after the visit before"
_BEGAN_ANEW = "; the run starts again"


def files_of_runs(out: Path, name: str) -> list[Path]:
    """Returns the files with this name in the folders of runs, sorted."""
    # Other folders of a study come and go, and a pattern that searches them fails if one disappears.
    return sorted(path for kind in KINDS_OF_RUNS for path in (out / kind).glob(f"*/{name}"))


def runs(out: Path) -> Iterator[Path]:
    """Returns the folders of the runs that have begun: baselines, trials and confirmation."""
    ours = [path.parent for path in files_of_runs(out, "settings.yaml")]
    return iter(ours or [path.parents[1] for path in files_of_runs(out, f"{PLACE}/settings.yaml")])


def reports(out: Path, known: Container[str] = ()) -> dict[str, bytes]:
    """Returns the reports of the finished runs by folder, without those already known."""
    over = {_name(path.parent, out): path for path in files_of_runs(out, "report.json")}
    return {name: path.read_bytes() for name, path in over.items() if name not in known}


def under_way(out: Path) -> dict[str, int]:
    """Returns the number of completed visits by folder, for runs that have begun and are not finished."""
    begun = (folder for folder in runs(out) if not (folder / "report.json").exists())
    return {_name(folder, out): visits(folder) for folder in begun}


def visits(folder: Path) -> int:
    """Returns the number of completed visits of a run."""
    path = folder / "visits.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def lost(before: Mapping[str, bytes], out: Path) -> list[str]:
    """Returns runs that were finished before and whose reports are gone or changed."""
    now = reports(out)
    return [f"{name}: its report is {_change(now, name)}" for name in before if now.get(name) != before[name]]


def repeated(out: Path, but: Container[str] = ()) -> list[str]:
    """Returns visits that were repeated although none of their files was damaged.

    A run records a visit in `log.txt` after its state is on disk, so a recorded visit must not be repeated, unless a
    later line says that its checkpoint was damaged.

    Args:
        out: Folder of the study.
        but: Folders of runs that are skipped because other files of theirs were damaged.
    """
    again = []
    looked_into = [folder for folder in runs(out) if _name(folder, out) not in but]
    for folder in looked_into:
        log, done = folder / "log.txt", list[int]()
        for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
            if _WENT_BACK in line:
                done = done[:-1]
            elif _BEGAN_ANEW in line:
                done = []
            elif _VISIT in line:
                number = int(line.partition(_VISIT)[2].partition(" ")[0])
                again += [f"{_name(folder, out)}: visit {number}"] if number in done else []
                done = [*done, number]
    return again + [f"{_name(folder, out)}: visits.jsonl" for folder in looked_into if not _is_in_order(folder)]


def differing(out: Path, control: Path) -> list[str]:
    """Returns the files that differ from the undisturbed study's, files of runs first."""
    names = sorted({_name(folder, one) for one in (out, control) for folder in runs(one)})
    found = [f"{name}/{file}" for name in names for file in _other_files(out / name, control / name)]
    if _rows(out) != _rows(control):
        found.append("results.csv")
    return found


def numbers(folder: Path) -> object:
    """Returns a run's report without the fields that differ between any two runs; None if it is missing or damaged."""
    path = folder / "report.json"
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        return None
    for part in (content, *content["visits"]):
        for name in VARYING_FIELDS:
            part.pop(name, None)
    return content


def _other_files(folder: Path, control: Path) -> list[str]:
    other = [] if numbers(folder) == numbers(control) else ["report.json"]
    return other + [name for name in BYTE_FOR_BYTE if _content(folder / name) != _content(control / name)]


def _is_in_order(folder: Path) -> bool:
    path = folder / "visits.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line)["visit"] for line in lines] == list(range(len(lines)))


def _rows(out: Path) -> list[dict[str, str]]:
    path = out / "results.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [{key: value for key, value in row.items() if key not in VARYING_COLUMNS} for row in rows]


def _change(now: Mapping[str, bytes], name: str) -> str:
    return "another one" if name in now else "gone"


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _name(folder: Path, out: Path) -> str:
    return str(folder.relative_to(out))
