"""Folder of one run: reads and writes its files."""

import io
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from segada.artifacts.checkpoint import Damaged, checksum, read_state, write_state
from segada.artifacts.run_files import Damage, damages, read_settings, settings_text
from segada.core.atomic_io import add_line, damaged_name, keep_damaged, write_bytes, write_text
from segada.core.printing import escaped
from segada.core.run_names import (
    AREAS,
    BEST,
    BEST_WEIGHTS,
    FORMER_STATE,
    LOG,
    REPORT,
    RUN_DRAFTS,
    RUN_NAMES,
    SETTINGS,
    STATE,
    STEPS,
    TAGS,
    VISITS,
    WEIGHTS,
)
from segada.core.storage_errors import writing
from segada.records import BestRecord, RunReport, StepRecord, VisitRecord
from segada.settings import RunSettings
from segada.settings.inputs import check_regular


class RunDir:
    """Reads and writes `settings.yaml`, `visits.jsonl`, `areas.npz`, `report.json`, `log.txt` and `checkpoint/`.

    Also the files enabled by `logging`: `frames.jsonl`, `panels/`, `tables/`, `best.safetensors`, `best.json`; and
    `tags.json`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def weights(self) -> Path:
        """Path of the evaluated network's weights, written when the run is finished."""
        return self._path / WEIGHTS

    @property
    def best(self) -> Path:
        """Path of the best visit's weights, written if `logging.best_weights` is set."""
        return self._path / BEST_WEIGHTS

    @property
    def panels(self) -> Path:
        """Folder of the panels; absent if there are none."""
        return self._path / "panels"

    def claim(self, settings: RunSettings) -> bool:
        """Writes the settings, or checks that the folder holds the same; removes incomplete files of a killed run.

        Damaged files are renamed, and written again when the run continues.

        Returns:
            True if the settings were written, that is if the run begins.

        Raises:
            ValueError: if the folder holds a run with other settings, this run with other logging settings, or files
                with these names that belong to no run.
        """
        path = self._path / SETTINGS
        self._check_readable()
        found = read_settings(self._path).value
        if found is not None and found.settings_hash() != settings.settings_hash() == self._held_hash():
            # A truncated file may also be valid settings, namely defaults. The checkpoint has a checksum.
            found = None
        held = self._held_hash() if found is None else found.settings_hash()
        if held not in (None, settings.settings_hash()):
            raise ValueError(
                f"{path}: holds a run of other settings (hash {held}, not {settings.settings_hash()}); choose another "
                "folder"
            )
        if found is not None and found.logging.during_visits() != settings.logging.during_visits():
            # Logs are written during adaptation, so a resumed run with other logging settings would have incomplete
            # logs.
            raise ValueError(
                f"{path}: holds this run with other logging settings; choose another folder, or those settings"
            )
        content = settings_text(settings)
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
        _write_if_other(self._path / VISITS, lines.encode())

    def write_areas(self, named: Mapping[str, npt.NDArray[np.int64]]) -> None:
        """Writes `areas.npz`, from which a bootstrap over blocks of frames is computed: arrays by name, as in
        `segada.engine.kept_areas`.
        """
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **named)
        _write_if_other(self._path / AREAS, buffer.getvalue())

    def write_best(self, record: BestRecord) -> None:
        """Writes `best.json`, which names the visit of `best.safetensors`."""
        _write_if_other(self._path / BEST, (record.model_dump_json(indent=1) + "\n").encode())

    def best_record(self) -> BestRecord | None:
        """Returns the content of `best.json`; None if the file does not exist."""
        path = self._path / BEST
        return BestRecord.model_validate_json(path.read_bytes()) if path.exists() else None

    def add_tags(self, tags: Sequence[str]) -> None:
        """Adds tags to `tags.json`. They describe the run to its readers and influence no number."""
        missing = [tag for tag in dict.fromkeys(tags) if tag not in self.tags()]
        if missing:
            write_text(self._path / TAGS, json.dumps([*self.tags(), *missing]) + "\n")
            self.log(f"tags: {', '.join(missing)}")

    def tags(self) -> list[str]:
        """Returns the tags in the order in which they were first added; empty if the file cannot be read."""
        with suppress(FileNotFoundError, ValueError):
            return [str(tag) for tag in json.loads((self._path / TAGS).read_bytes())]
        return []

    def write_report(self, report: RunReport) -> None:
        """Writes `report.json`."""
        content = json.dumps(report.model_dump(mode="json"), indent=1) + "\n"
        _write_if_other(self._path / REPORT, content.encode())

    def write_checkpoint(self, state: dict[str, Any], settings_hash: str) -> None:
        """Replaces the checkpoint by the state after a visit, and keeps the previous one.

        Lines appended so far are synchronized to disk first, because resuming needs them.
        """
        sealed = {"state": state, "settings": settings_hash, **self._appended()}
        write_state(sealed, self._newest, self._former)

    def read_checkpoint(self) -> dict[str, Any] | None:
        """Returns the state after the last visit that can be resumed; None if the run begins, or begins again.

        Damage costs one visit, if the checkpoint or the part of `frames.jsonl` before it is damaged. Files of later
        visits are removed, and `log.txt` records the actions.
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
        """Adds a line, with date and time, to `log.txt`."""
        with writing(self._path):
            self._path.mkdir(parents=True, exist_ok=True)
        add_line(self._path / LOG, f"{time.strftime('%Y-%m-%d %H:%M:%S')} {escaped(line)}")

    def _check_readable(self) -> None:
        """Raises InputError if a pipe or a folder has the name of a run's file."""
        for name in RUN_NAMES:
            check_regular(self._path / name)

    def _remove_drafts(self) -> None:
        for pattern in RUN_DRAFTS:
            for draft in self._path.glob(pattern):
                draft.unlink(missing_ok=True)

    def _check_free(self, path: Path, content: str) -> None:
        """Raises ValueError if files exist that a run would replace or remove, and that belong to no run."""
        for there in (path, *self._visits, self._steps):
            # An interrupted start leaves the beginning of the settings file, or zeros after a power failure.
            is_part = there == path and path.is_file() and content.encode().startswith(path.read_bytes().strip(b"\0"))
            if there.exists() and not is_part:
                raise ValueError(
                    f"{there}: would be replaced, and no settings show that it is a run's; move it away, or choose "
                    "another folder"
                )

    def _keep_damaged(self, settings: Path, *, is_settings: bool) -> None:
        found = damages(self._path)
        if settings.exists() and not is_settings and settings not in [damage.path for damage in found]:
            found.append(Damage(settings, "does not belong to this run"))
        for damage in found:
            self._keep(damage.path, damage.problem)

    def _keep(self, path: Path, problem: str) -> None:
        """Renames a file that does not belong to the run any more, and logs it."""
        name, kept = path.relative_to(self._path), keep_damaged(path)
        self.log(f"{name}: {problem}; it is kept as {kept.name} and written again")

    def _held_hash(self) -> str | None:
        """Returns the hash of the settings in the checkpoint; None without a checkpoint."""
        for path in (self._newest, self._former):
            with suppress(Damaged):
                return str(read_state(path)["settings"])
        return None

    def _appended(self) -> dict[str, Any]:
        """Returns length and checksum of the lines appended so far, after synchronizing them to disk."""
        if not self._steps.exists():
            return {"length": 0, "checksum": checksum(b"")}
        with writing(self._steps), self._steps.open("rb+") as file:
            os.fsync(file.fileno())
            content = file.read()
        return {"length": len(content), "checksum": checksum(content)}

    def _intact(self, path: Path) -> dict[str, Any]:
        """Returns the content of a checkpoint; raises Damaged if it or the lines appended before it have changed."""
        sealed = read_state(path)
        content = self._steps.read_bytes() if self._steps.exists() else b""
        if checksum(content[: sealed["length"]]) != sealed["checksum"]:
            raise Damaged(f"{self._steps.name}, which goes with it, is damaged")
        return sealed

    def _cut_back(self, path: Path, length: int, damages: Sequence[str]) -> None:
        """Removes lines appended after a checkpoint: an interrupted visit is repeated from its first step."""
        with writing(self._steps):
            if damages and self._steps.exists() and self._steps.stat().st_size > length:
                shutil.copyfile(self._steps, damaged_name(self._steps))
            if self._steps.exists():
                os.truncate(self._steps, length)
            if not damages:
                return
            # These files exist if the run had finished, which it now has not.
            for late in (self._path / REPORT, self.weights):
                late.unlink(missing_ok=True)
            if self._newest.exists():
                keep_damaged(self._newest)
            path.replace(self._newest)
        self.log(f"{damages[0]}; the run continues after the visit before, from {path.relative_to(self._path)}")

    def _begin_anew(self, damages: Sequence[str]) -> None:
        left = [path for path in (*self._visits, self._newest, self._former) if path.exists()]
        for path in (*left, self._steps):
            if path.exists():
                keep_damaged(path)
        if left:
            self.log(f"{'; '.join(damages)}; the run starts again")

    @property
    def _visits(self) -> tuple[Path, ...]:
        """Files that exist after the first visit."""
        return tuple(self._path / name for name in (VISITS, AREAS, REPORT, BEST, BEST_WEIGHTS, WEIGHTS))

    @property
    def _steps(self) -> Path:
        return self._path / STEPS

    @property
    def _newest(self) -> Path:
        return self._path / STATE

    @property
    def _former(self) -> Path:
        return self._path / FORMER_STATE


def _write_if_other(path: Path, content: bytes) -> None:
    """Writes a file unless it already has this content."""
    if not path.exists() or path.read_bytes() != content:
        write_bytes(path, content)
