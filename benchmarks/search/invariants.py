"""What the folder of a study that was disturbed proves: of its runs, which are over, lost, done twice, or otherwise."""

import csv
import json
from collections.abc import Container, Iterator, Mapping
from pathlib import Path

OF_THE_MOMENT = ("seconds", "frames_per_second", "peak_memory")
"""Of records: what a clock and a memory gave, which no two runs share."""
ALSO_OF_THE_MOMENT = ("seconds", "incidents")
"""The same of results.csv."""
BYTE_FOR_BYTE = ("weights.safetensors", "areas.npz", "frames.jsonl")
"""Files of a run that hold nothing of the moment."""

KINDS_OF_RUNS = ("baselines", "trials", "confirmation")
"""Folders of a study that hold folders of runs."""

_VISIT = " visit "
_WENT_BACK = "; the run goes on after the visit before"
_BEGAN_ANEW = "; the run begins anew"


def files_of_runs(out: Path, name: str) -> list[Path]:
    """The files of this name in the folders of runs, in their order."""
    # Other folders of a study come and go, and a pattern that looks into them trips over one that goes.
    return sorted(path for kind in KINDS_OF_RUNS for path in (out / kind).glob(f"*/{name}"))


def runs(out: Path) -> Iterator[Path]:
    """The folders of the runs that have begun: baselines, trials and confirmation."""
    return (path.parent for path in files_of_runs(out, "settings.yaml"))


def reports(out: Path, known: Container[str] = ()) -> dict[str, bytes]:
    """The reports of the runs that are over, by folder; those that are known already are not read."""
    over = {_name(path.parent, out): path for path in files_of_runs(out, "report.json")}
    return {name: path.read_bytes() for name, path in over.items() if name not in known}


def under_way(out: Path) -> dict[str, int]:
    """Visits done, by folder, of the runs that have begun and are not over."""
    begun = (folder for folder in runs(out) if not (folder / "report.json").exists())
    return {_name(folder, out): visits(folder) for folder in begun}


def visits(folder: Path) -> int:
    """Visits that a run has done."""
    path = folder / "visits.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def lost(before: Mapping[str, bytes], out: Path) -> list[str]:
    """Runs that were over before and whose reports are gone, or have another byte."""
    now = reports(out)
    return [f"{name}: its report is {_change(now, name)}" for name in before if now.get(name) != before[name]]


def repeated(out: Path, but: Container[str] = ()) -> list[str]:
    """Visits that were done again though nothing had damaged what they left.

    A run notes a visit in `log.txt` after its state is on the disk, so no visit that stands there has to be done again,
    unless a later line says that its checkpoint was damaged.

    Args:
        out: The folder of the study.
        but: Folders of runs that are not looked into, since other files of theirs were damaged.
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
    """What is not as in the same study when nobody disturbed it, files of runs first."""
    names = sorted({_name(folder, one) for one in (out, control) for folder in runs(one)})
    found = [f"{name}/{file}" for name in names for file in _other_files(out / name, control / name)]
    if _rows(out) != _rows(control):
        found.append("results.csv")
    return found


def numbers(folder: Path) -> object:
    """A run's report without what is of the moment; None if there is none, or only a damaged one."""
    path = folder / "report.json"
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        return None
    for part in (content, *content["visits"]):
        for name in OF_THE_MOMENT:
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
    return [{key: value for key, value in row.items() if key not in ALSO_OF_THE_MOMENT} for row in rows]


def _change(now: Mapping[str, bytes], name: str) -> str:
    return "another one" if name in now else "gone"


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _name(folder: Path, out: Path) -> str:
    return str(folder.relative_to(out))
