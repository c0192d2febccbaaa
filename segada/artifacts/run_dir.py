"""The folder of one run: what it leaves behind, in the names that people and scripts read."""

import io
import json
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from segada.artifacts.checkpoint import Damaged, checksum, read_state, write_state
from segada.artifacts.run_files import Damage, damages, read_settings
from segada.core.atomic_io import add_line, damaged_name, keep_damaged, write_bytes, write_text
from segada.core.printing import escaped
from segada.core.run_names import RUN_DRAFTS, RUN_FILES
from segada.core.storage_errors import writing
from segada.records import BestRecord, RunReport, StepRecord, VisitRecord
from segada.settings import RunSettings
from segada.settings.files import check_regular


class RunDir:
    """Reads and writes `settings.yaml`, `visits.jsonl`, `areas.npz`, `report.json`, `log.txt` and `checkpoint/`.

    And what `logging` asks for: `frames.jsonl`, `panels/`, `tables/`, `best.safetensors`, `best.json`; and `tags.json`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def weights(self) -> Path:
        """Where the scored network goes when the run is finished."""
        return self._path / "weights.safetensors"

    @property
    def best(self) -> Path:
        """Where the network of the best visit goes, if `logging` asks for it."""
        return self._path / "best.safetensors"

    @property
    def panels(self) -> Path:
        """The folder of pictures; absent if none was made."""
        return self._path / "panels"

    def claim(self, settings: RunSettings) -> bool:
        """Writes the settings, or finds the same ones; removes what a killed run had not finished writing.

        Damaged files are kept under other names, and written again when the run goes on.

        Returns:
            Whether they were written: the run begins.

        Raises:
            ValueError: the folder holds a run of other settings, or this one with other logging settings, or files of
                these names that are no run's.
        """
        path = self._path / "settings.yaml"
        self._check_readable()
        found = read_settings(self._path).value
        if found is not None and found.settings_hash() != settings.settings_hash() == self._held_hash():
            # A part of a file may be settings, too: those of defaults. The checkpoint has a checksum.
            found = None
        held = self._held_hash() if found is None else found.settings_hash()
        if held not in (None, settings.settings_hash()):
            raise ValueError(
                f"{path}: holds a run of other settings (hash {held}, not {settings.settings_hash()}); choose another "
                "folder"
            )
        if found is not None and found.logging != settings.logging:
            # What is logged is written while a run adapts: a part of it, or nothing, would come of going on.
            raise ValueError(
                f"{path}: holds this run with other logging settings; choose another folder, or those settings"
            )
        content = yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)
        if held is None:
            self._check_free(path, content)
        self._remove_drafts()
        self._keep_damaged(path, is_settings=found is not None)
        if found is None:
            write_text(path, content)
            self.log(f"settings {settings.settings_hash()}, seed {settings.seed}")
        return found is None

    def write_visits(self, records: Sequence[VisitRecord]) -> None:
        """Writes `visits.jsonl`, a line per visit."""
        lines = "".join(record.model_dump_json() + "\n" for record in records)
        _write_if_other(self._path / "visits.jsonl", lines.encode())

    def write_areas(self, areas: Sequence[npt.NDArray[np.int64]]) -> None:
        """Writes `areas.npz`, what a bootstrap over frames needs.

        `visit<k>` is int64 [frames, 3, 19]: intersection, predicted and labelled pixels per class on the visited
        domain's held-out frames after visit k.
        """
        buffer = io.BytesIO()
        named = {f"visit{visit}": array for visit, array in enumerate(areas)}
        np.savez_compressed(buffer, allow_pickle=False, **named)
        _write_if_other(self._path / "areas.npz", buffer.getvalue())

    def write_best(self, record: BestRecord) -> None:
        """Writes `best.json`: which visit `best.safetensors` is of."""
        _write_if_other(self._path / "best.json", (record.model_dump_json(indent=1) + "\n").encode())

    def best_record(self) -> BestRecord | None:
        """What `best.json` says; None if there is none."""
        path = self._path / "best.json"
        return BestRecord.model_validate_json(path.read_bytes()) if path.exists() else None

    def add_tags(self, tags: Sequence[str]) -> None:
        """Adds words to `tags.json`, which say to a person what the run is; no number depends on them."""
        missing = [tag for tag in dict.fromkeys(tags) if tag not in self.tags()]
        if missing:
            write_text(self._path / "tags.json", json.dumps([*self.tags(), *missing]) + "\n")
            self.log(f"tags: {', '.join(missing)}")

    def tags(self) -> list[str]:
        """Of `add_tags`, in the order in which they were first given; none if the file cannot be read."""
        with suppress(FileNotFoundError, ValueError):
            return [str(tag) for tag in json.loads((self._path / "tags.json").read_bytes())]
        return []

    def write_report(self, report: RunReport) -> None:
        """Writes `report.json`."""
        content = json.dumps(report.model_dump(mode="json"), indent=1) + "\n"
        _write_if_other(self._path / "report.json", content.encode())

    def write_checkpoint(self, state: dict[str, Any], settings_hash: str) -> None:
        """Puts the state of a visit in the place of the visit's before it, which is kept beside it.

        What has been appended until now goes to the disk first: a state without it could not be gone on from.
        """
        sealed = {"state": state, "settings": settings_hash, **self._appended()}
        write_state(sealed, self._newest, self._former)

    def read_checkpoint(self) -> dict[str, Any] | None:
        """The state after the last visit that can be gone on from; None if the run begins, or begins anew.

        Damage costs a visit: that of the checkpoint, or of `frames.jsonl` before the place where the checkpoint was
        taken. Whatever later visits left is cut off, and `log.txt` says what was done.
        """
        damages: list[str] = []
        for path in (self._newest, self._former):
            try:
                sealed = self._intact(path)
            except Damaged as damage:
                damages.append(f"{path.relative_to(self._path)}: {damage}")
                continue
            self._cut_back(path, sealed["length"], damages)
            state: dict[str, Any] = sealed["state"]
            return state
        self._begin_anew(damages)
        return None

    def add_step(self, record: StepRecord) -> None:
        """Adds a line to `frames.jsonl`."""
        add_line(self._steps, record.model_dump_json())

    def write_panel(self, name: str, png: bytes) -> None:
        """Writes `panels/<name>.png`."""
        write_bytes(self.panels / f"{name}.png", png)

    def write_table(self, name: str, text: str) -> None:
        """Writes `tables/<name>.csv`."""
        write_text(self._path / "tables" / f"{name}.csv", text)

    def log(self, line: str) -> None:
        """Adds a line, with the time of day, to `log.txt`."""
        with writing(self._path):
            self._path.mkdir(parents=True, exist_ok=True)
        add_line(self._path / "log.txt", f"{time.strftime('%Y-%m-%d %H:%M:%S')} {escaped(line)}")

    def _check_readable(self) -> None:
        """Raises InputError if there is a pipe, or a folder, where a run has a file."""
        for name in RUN_FILES:
            check_regular(self._path / name)

    def _remove_drafts(self) -> None:
        for pattern in RUN_DRAFTS:
            for draft in self._path.glob(pattern):
                draft.unlink(missing_ok=True)

    def _check_free(self, path: Path, content: str) -> None:
        """Raises ValueError if a file is there that a run would replace or remove, and no run that it could be of."""
        for there in (path, *self._visits, self._steps):
            # Of a run that was begun: a part of its settings, or what a power cut leaves of them.
            is_part = there == path and path.is_file() and content.encode().startswith(path.read_bytes().strip(b"\0"))
            if there.exists() and not is_part:
                raise ValueError(
                    f"{there}: would be replaced, and no settings show that it is a run's; move it away, or choose "
                    "another folder"
                )

    def _keep_damaged(self, settings: Path, *, is_settings: bool) -> None:
        found = damages(self._path)
        if settings.exists() and not is_settings and settings not in [damage.path for damage in found]:
            found.append(Damage(settings, "is not that of this run"))
        for damage in found:
            self._keep(damage.path, damage.problem)

    def _keep(self, path: Path, problem: str) -> None:
        """Keeps a file that does not go with the run any more under another name."""
        name, kept = path.relative_to(self._path), keep_damaged(path)
        self.log(f"{name}: {problem}; it is kept as {kept.name} and written again")

    def _held_hash(self) -> str | None:
        """Of the settings that a checkpoint was made with; None if there is none."""
        for path in (self._newest, self._former):
            with suppress(Damaged):
                return str(read_state(path)["settings"])
        return None

    def _appended(self) -> dict[str, Any]:
        """Length and checksum of what the run has appended, which is on the disk then."""
        if not self._steps.exists():
            return {"length": 0, "checksum": checksum(b"")}
        with writing(self._steps), self._steps.open("rb+") as file:
            os.fsync(file.fileno())
            content = file.read()
        return {"length": len(content), "checksum": checksum(content)}

    def _intact(self, path: Path) -> dict[str, Any]:
        """What a checkpoint holds, if that and what had been appended before it are as they were written."""
        sealed = read_state(path)
        content = self._steps.read_bytes() if self._steps.exists() else b""
        if checksum(content[: sealed["length"]]) != sealed["checksum"]:
            raise Damaged(f"{self._steps.name}, which goes with it, is damaged")
        return sealed

    def _cut_back(self, path: Path, length: int, damages: Sequence[str]) -> None:
        """Removes what comes after a checkpoint: a visit that was broken off is made again from its first step."""
        with writing(self._steps):
            if damages and self._steps.exists() and self._steps.stat().st_size > length:
                shutil.copyfile(self._steps, damaged_name(self._steps))
            if self._steps.exists():
                os.truncate(self._steps, length)
            if not damages:
                return
            # Of a run that had finished; it is not finished now.
            for late in (self._path / "report.json", self.weights):
                late.unlink(missing_ok=True)
            if self._newest.exists():
                keep_damaged(self._newest)
            path.replace(self._newest)
        self.log(f"{damages[0]}; the run goes on after the visit before, from {path.relative_to(self._path)}")

    def _begin_anew(self, damages: Sequence[str]) -> None:
        left = [path for path in (*self._visits, self._newest, self._former) if path.exists()]
        for path in (*left, self._steps):
            if path.exists():
                keep_damaged(path)
        if left:
            self.log(f"{'; '.join(damages)}; the run begins anew")

    @property
    def _visits(self) -> tuple[Path, ...]:
        """What is there once a visit is over."""
        names = ("visits.jsonl", "areas.npz", "report.json", "best.json", self.best.name)
        return (*(self._path / name for name in names), self.weights)

    @property
    def _steps(self) -> Path:
        return self._path / "frames.jsonl"

    @property
    def _newest(self) -> Path:
        return self._path / "checkpoint" / "state.pt"

    @property
    def _former(self) -> Path:
        return self._path / "checkpoint" / "former.pt"


def _write_if_other(path: Path, content: bytes) -> None:
    """Leaves a file alone that is as it should be."""
    if not path.exists() or path.read_bytes() != content:
        write_bytes(path, content)
