"""One run of an external engine in its folder: starts its program, reads its visits, and writes records of them."""

import json
import math
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import yaml

from hpo.config.engine import OPTIONS
from hpo.config.free_settings import filled
from hpo.config.program import PLACE, ProgramRun
from hpo.external.areas import AreasError, checked_areas
from hpo.external.attempts import StillAlive, alone, begun
from hpo.external.process import Command, Ending, ProgramProcess
from hpo.external.protocol import VISITS as REPORTED
from hpo.external.protocol import ProtocolError, Start, Visit, VisitReader
from hpo.external.watch import Watch
from hpo.study.jobs import RunUpdate
from segada.artifacts.run_files import damages, read_report, read_visits
from segada.core.atomic_io import write_bytes, write_text
from segada.core.run_names import AREAS, LOG, REPORT, VISITS
from segada.core.storage_errors import DeniedError, StorageError, storage_error
from segada.records import RunReport, VisitRecord

EVERY: Final = 0.05
"""Seconds between two looks at what the program has written."""
LAST_LINES: Final = 3
"""Number of lines of the log that the reason of a failure has."""
SHOWN: Final = 400
"""Greatest number of characters of these lines."""
OWN: Final = ("frames", "seconds", "frames_per_second", "peak_memory", "trainable_parameters")
"""Fields of a line that have a place of their own in a record."""


class ProgramTrial:
    """Run of an external engine, visit by visit; it continues what an earlier process began in the folder."""

    def __init__(self, run: ProgramRun, folder: Path) -> None:
        """Starts nothing.

        Args:
            run: settings of the run.
            folder: folder of the run.
        """
        self._run = run
        self._folder = folder
        self._place = folder / PLACE
        self._reader = VisitReader(folder / LOG if run.prefix is not None else self._place / REPORTED, run)
        self._process: ProgramProcess | None = None
        self._watch = Watch(run, folder)
        self._starts: list[Start] = []
        self._records: list[VisitRecord] = []
        self._seconds: list[float] = []
        self._parameters = 0
        self._told = 0
        self._kills = 0
        self._incident: str | None = None

    def next_visit(self) -> RunUpdate:
        """Waits for the next visit, or the end of the run, which may be a failure with its reason."""
        done = read_report(self._folder).value
        if done is not None and done.settings_hash != self._run.settings_hash():
            cure = "move it away, or name another folder"
            return self._failed(f"{self._folder}: has the run of other settings ({done.settings_hash}); {cure}")
        if done is not None and not damages(self._folder, self._needs):
            return RunUpdate(report=done, finished=True)
        try:
            if self._process is None:
                self._start()
            while (update := self._look()) is None:
                time.sleep(EVERY)
        except (ProtocolError, AreasError, StillAlive) as error:
            return self._failed(str(error))
        except StorageError as error:
            return self._refused(error)
        return update

    @property
    def _needs(self) -> tuple[str, ...]:
        return (AREAS,) if self._run.areas else ()

    def close(self) -> None:
        """Ends the program, if it runs."""
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def _start(self) -> None:
        """Starts the program, for the first time or again."""
        run = self._run
        self._place.mkdir(parents=True, exist_ok=True)
        can_resume = run.function is not None or "{resume}" in run.command
        with alone(self._folder, run.limits.grace) as lock:
            is_log = run.prefix is not None
            self._starts = begun(self._folder, self._reader.path, can_resume=can_resume, is_log=is_log)
            if not self._starts[-1].resumes:
                (self._place / AREAS).unlink(missing_ok=True)
            self._seconds = [record.seconds for record in read_visits(self._folder).value]
            self._read(is_over=False)
            self._told = len(self._records)
            command = self._command(resumes=self._starts[-1].resumes)
            self._process = ProgramProcess(command, self._folder, lock)
        self._watch.begin()

    def _look(self) -> RunUpdate | None:
        """Returns what has happened since the last look; None if nothing has."""
        assert self._process is not None
        # Asked first: what the program wrote before its end is read below.
        ending = self._process.ending()
        self._read(is_over=ending is not None)
        self._told = min(self._told, len(self._records))
        # One by one, even if several came at once: trials are compared after each.
        if self._told < min(len(self._records), len(self._run.stream.visits) - 1):
            self._told += 1
            incident, self._incident = self._incident, None
            return RunUpdate(report=self._report(self._told), finished=False, incident=incident)
        if ending is not None:
            return self._over(ending)
        reason = self._watch.beyond(len(self._records))
        return None if reason is None else self._failed(reason)

    def _read(self, *, is_over: bool) -> None:
        """Takes in what the program has written since the last look."""
        if not self._watch.has_more(self._reader.path) and not is_over:
            return
        visits = self._reader.read(self._starts, is_over=is_over)
        if len(visits) == len(self._records) and not is_over:
            return
        elapsed = self._watch.lap()
        self._seconds = self._seconds[: len(visits)]
        new = len(visits) - len(self._seconds)
        # Of visits that were read at once, the time of each is not known.
        self._seconds += [elapsed / max(1, new)] * new
        pairs = zip(visits, self._seconds, strict=True)
        self._records = [_record(number, visit, seconds) for number, (visit, seconds) in enumerate(pairs)]
        self._parameters = int(visits[-1].numbers.get("trainable_parameters", 0)) if visits else 0
        lines = "".join(f"{record.model_dump_json()}\n" for record in self._records)
        write_text(self._folder / VISITS, lines)

    def _over(self, ending: Ending) -> RunUpdate | None:
        """Returns the update at the end of the program; None if it is started again."""
        expected = len(self._run.stream.visits)
        if ending.refused:
            return self._failed(f"the program cannot start: {ending.refused}")
        if ending.code is None or ending.code < 0:
            return self._killed(ending.code)
        if ending.code > 0:
            said = _last_lines(self._folder / LOG)
            refused = storage_error(RuntimeError(said), self._folder)
            reason = f"the program ended with exit code {ending.code}{said}"
            return self._failed(reason) if refused is None else self._refused(refused)
        if not self._records:
            where = "printed none" if self._run.prefix is not None else f"wrote no {REPORTED}"
            return self._failed(f"the program ended without a visit; it {where}{_last_lines(self._folder / LOG)}")
        if len(self._records) < expected:
            return self._failed(f"the program ended after {len(self._records)} of {expected} visits")
        if self._run.areas:
            write_bytes(self._folder / AREAS, checked_areas(self._place, self._records))
        report = self._report()
        write_text(self._folder / REPORT, report.model_dump_json(indent=1) + "\n")
        self.close()
        incident, self._incident = self._incident, None
        return RunUpdate(report=report, finished=True, incident=incident)

    def _killed(self, code: int | None) -> RunUpdate | None:
        by = "its guard was killed" if code is None else f"it was killed by {signal.Signals(-code).name}"
        self.close()
        self._kills += 1
        if self._kills > self._run.limits.kills:
            last = _last_lines(self._folder / LOG)
            return self._failed(f"the program ended {self._kills} times, last because {by}{last}", passes=True)
        self._incident = f"the program was started again, because {by}"
        self._start()
        return None

    def _failed(self, reason: str, *, passes: bool = False) -> RunUpdate:
        self.close()
        report = self._report() if self._records else None
        return RunUpdate(report=report, finished=False, failure=reason, incident=self._incident, passes=passes)

    def _refused(self, error: StorageError) -> RunUpdate:
        """Returns the update of a run whose files cannot be written, which no other run of the study can, too."""
        self.close()
        denied = isinstance(error, DeniedError)
        return RunUpdate(
            report=None, finished=False, failure=str(error), concerns_all=True, passes=not denied, denied=denied
        )

    def _report(self, visits: int | None = None) -> RunReport:
        records = self._records[:visits]
        scored = [visit.visited_miou for visit in records if visit.is_scored]
        return RunReport(
            visits=records,
            mean_miou=float(np.mean(scored)) if scored else math.nan,
            source_only={},
            source_only_mean_miou=math.nan,
            gain=math.nan,
            forgetting=math.nan,
            trainable_parameters=self._parameters,
            seconds=sum(visit.seconds for visit in records),
            settings_hash=self._run.settings_hash(),
            seed=self._run.seed,
        )

    def _command(self, *, resumes: bool) -> Command:
        run = self._run
        path = self._place / run.settings_file
        text = json.dumps(run.values, indent=1) if run.style == "json" else yaml.safe_dump(run.values, sort_keys=False)
        write_text(path, text)
        values = {
            "settings": str(path),
            "folder": str(self._place),
            "seed": str(run.seed),
            "split": run.split,
            "visits": ",".join(run.stream.visits),
        }
        env = {name: filled(word, values) for name, word in run.env.items()}
        words = self._call(resumes) if run.function is not None else self._words(values, resumes)
        return Command(words, env, run.directory, run.limits.grace)

    def _words(self, values: Mapping[str, str], resumes: bool) -> list[str]:
        several = {"{resume}": list(self._run.resume) if resumes else []}
        if self._run.style in OPTIONS:
            several["{settings}"] = self._run.option_words()
        lists = [several[word] if word in several else [filled(word, values)] for word in self._run.command]
        return [word for words in lists for word in words]

    def _call(self, resumes: bool) -> list[str]:
        run = self._run
        assert run.function is not None
        told = {"folder": str(self._place), "seed": run.seed, "split": run.split, "resume": resumes}
        call = {**told, "settings": run.settings_file, "visits": run.stream.visits}
        return [sys.executable, "-m", "hpo.external.call", run.function, json.dumps(call)]


def _record(number: int, visit: Visit, seconds: float) -> VisitRecord:
    numbers = visit.numbers
    seconds = numbers.get("seconds", seconds)
    frames = int(numbers.get("frames", 0))
    speed = frames / seconds if frames and seconds else 1.0
    return VisitRecord(
        visit=number,
        domain=visit.domain,
        frames=frames,
        miou=visit.miou,
        iou=visit.iou,
        online_miou=None,
        label_free={},
        losses={},
        metrics={name: value for name, value in numbers.items() if name not in OWN},
        peak_memory=numbers.get("peak_memory"),
        seconds=seconds,
        frames_per_second=numbers.get("frames_per_second", speed),
    )


def _last_lines(log: Path) -> str:
    """Returns the end of a log as a clause in one line; empty for an empty log."""
    text = log.read_bytes()[-10_000:].decode("utf-8", errors="replace") if log.exists() else ""
    # Marks below a line of a traceback say nothing without it.
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip(" ^~")]
    return f": {' / '.join(lines[-LAST_LINES:])[-SHOWN:]}" if lines else ""
