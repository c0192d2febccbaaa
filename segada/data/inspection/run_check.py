"""Check of the data of a run: every domain of its settings, read as the run reads it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from segada.core.named_code import named
from segada.data.cache.decoding import count_workers, in_order
from segada.data.cache.frame_cache import Unreadable
from segada.data.cache.progress import told
from segada.data.datasets.domain_frames import check_share
from segada.data.datasets.frame_files import FrameFiles
from segada.data.datasets.left_out import counted
from segada.data.datasets.recorded import Decoding, Recorded, read_pair
from segada.data.datasets.registry import DATASETS, LAYOUTS, domain_error
from segada.data.frames import NoFrames, UnreadableFrame, WrongSetting
from segada.data.inspection.inspection import SPLITS, Inspection, Look, look, sample
from segada.data.inspection.near_duplicates import agreements, is_near, near_text
from segada.data.run_frames import Place, check_counts, check_scored, read_places
from segada.data.splits import Split
from segada.errors import InputError
from segada.records import DataCheck, DomainCheck, SettingProblem, SplitAgreement
from segada.settings import RunSettings
from segada.settings.class_sets import ClassSet
from segada.settings.data import DataSettings


def check_run(data: DataSettings, run: RunSettings | None, *, everything: bool) -> "RunCheck":
    """Lists the frames of every domain and reads some or all of those that a run with these settings reads.

    Args:
        data: Domains.
        run: Settings of the run; None for domains without a run, of which every split that has frames is read.
        everything: True to read all frames.
    """
    check = RunCheck(data, run, everything)
    check.count()
    if check.fits():
        check.read()
        check.find_labels()
        check.compare_splits()
    return check


@dataclass
class RunCheck:
    """Findings about the data of a run, while they are collected.

    Attributes:
        data: Domains.
        run: Settings of the run; None for domains without a run.
        everything: True if all frames are read, not a sample of each split.
        counts: Number of frames that a run would take, by domain and split.
        decodings: Decoding of the splits that are stored in files.
        looks: Inspected frames by domain and split.
        problems: Errors that the run would end with.
        notes: Findings that a run starts with all the same.
        unlabelled: Domains whose held-out frames have no labelled pixel.
        agreements: Agreement of frames of the splits that the run reads, by domain.
    """

    data: DataSettings
    run: RunSettings | None
    everything: bool
    counts: dict[Place, int] = field(default_factory=dict)
    decodings: dict[Place, Decoding] = field(default_factory=dict)
    looks: dict[Place, list[Look]] = field(default_factory=dict)
    problems: list[InputError] = field(default_factory=list)
    notes: list[InputError] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)
    agreements: dict[str, list[SplitAgreement]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._needed = () if self.run is None else read_places(self.run)

    def needed(self, domain: str) -> list[str]:
        """Returns the splits of a domain that the run reads; empty if it does not use the domain."""
        return [split for name, split in self._needed if name == domain]

    def inspection(self) -> Inspection:
        """Returns the inspection of all domains that are stored in files."""
        listings = {place: decoding.listing for place, decoding in self.decodings.items()}
        looks = [one for some in self.looks.values() for one in some]
        return Inspection.of(dict.fromkeys(name for name, _ in listings), listings, {}, looks, self.data.classes)

    def record(self) -> DataCheck:
        """Returns the findings as plain data."""
        domains = {
            name: DomainCheck(
                dataset=domain.dataset,
                needed=self.needed(name),
                frames={split: count for (of, split), count in self.counts.items() if of == name},
                read=len(self._looks(name)),
                unreadable=len(_unreadable(self._looks(name))),
                is_labelled=name not in self.unlabelled,
                agreements=self.agreements.get(name, []),
            )
            for name, domain in self.data.domains.items()
        }
        left_out = counted(self.inspection().left_out)
        return DataCheck(domains=domains, problems=_plain(self.problems), notes=_plain(self.notes), left_out=left_out)

    def count(self) -> None:
        """Lists the files of every split of every domain."""
        for name in self.data.domains:
            errors = {split: error for split in SPLITS if (error := self._count(name, split)) is not None}
            is_empty = len(errors) == len(SPLITS)
            needed = self.needed(name)
            for split, error in errors.items():
                # A domain may lack the frames of a split that is not read.
                counts = split in needed if needed else is_empty or not isinstance(error, NoFrames)
                if counts:
                    self._add(name, error)

    def fits(self) -> bool:
        """Returns True if the frames fit into memory, as far as they are known; adds the problem if they do not."""
        if self.run is None or self.problems:
            return True
        try:
            check_counts(self.run)
        except InputError as error:
            self.problems.append(error)
            return False
        return True

    def read(self) -> None:
        """Reads frames of the splits that the run reads, and of domains that it does not use."""
        frames = [
            (place, number)
            for place, decoding in self.decodings.items()
            if place in self._needed or not self.needed(place[0])
            for number in sample(len(decoding.files), everything=self.everything)
        ]
        looks = told(in_order(self._look, frames, count_workers(None)), len(frames), "reading frames")
        for (place, _), found in zip(frames, looks, strict=True):
            self.looks.setdefault(place, []).append(found)
        for name in dict.fromkeys(name for name, _ in self.looks):
            self._judge(name)

    def find_labels(self) -> None:
        """Looks for a labelled pixel in the held-out frames of every domain that is scored."""
        if self.run is None or self.problems:
            return
        split = self.run.evaluation.split
        labelled = [name for name in self.run.scored_domains() if self._has_labels((name, split))]
        blank = [name for name in self.run.scored_domains() if name not in labelled]
        self.unlabelled = [*self.run.unlabelled(), *blank]
        try:
            self.notes += check_scored(self.run, labelled)
        except InputError as error:
            self.problems.append(error)

    def compare_splits(self) -> None:
        """Measures whether frames of scored splits are near-duplicates of those before; adds a note where they are."""
        if self.run is None or self.problems:
            return
        for name in dict.fromkeys(name for name, split in self._needed if (name, split) in self.decodings):
            layout = LAYOUTS[self.data.domains[name].dataset]
            self.agreements[name] = agreements(self._compared(name), self.data.classes, layout.recording)
            near = [one for one in self.agreements[name] if is_near(one)]
            self.notes += [InputError(f"domain {name!r}: {near_text(one)}", ("data", "domains", name)) for one in near]

    def _compared(self, domain: str) -> dict[Split, tuple[FrameFiles, ...]]:
        """Returns the frames of the splits of a domain that the run reads, and those of the source training if they are
        of the same data set."""
        assert self.run is not None
        frames = {split: self.decodings[domain, split].files for name, split in self._needed if name == domain}
        source = self.run.stream.source
        if source is not None and (source, "source") in self._needed and self._is_of_one_set(source, domain):
            frames.setdefault("source", self.decodings[source, "source"].files)
        return frames

    def _is_of_one_set(self, one: str, other: str) -> bool:
        first, second = self.data.domains[one], self.data.domains[other]
        return all(getattr(first, key, None) == getattr(second, key, None) for key in ("dataset", "root"))

    def _count(self, domain: str, split: Split) -> ValueError | None:
        settings = self.data.domains[domain]
        data_set = named(DATASETS, settings.dataset)
        try:
            if isinstance(data_set, Recorded):
                self.decodings[domain, split] = data_set.decoding(settings, self.data, split)  # type: ignore[arg-type]
            self.counts[domain, split] = data_set.listed(settings, self.data, split).count
        except ValueError as error:
            return error
        return None

    def _looks(self, domain: str) -> list[Look]:
        return [one for (name, _), some in self.looks.items() if name == domain for one in some]

    def _look(self, frame: tuple[Place, int]) -> Look:
        place, number = frame
        decoding = self.decodings[place]
        return look(decoding.files[number], decoding.classes, partial(decoding.rendered, number))

    def _has_labels(self, place: Place) -> bool:
        """Returns True if a frame has a labelled pixel; reads frames beyond the sample until one has."""
        if place not in self.decodings or any(one.pixels[:-1].any() for one in self.looks[place]):
            return True
        count = len(self.decodings[place].files)
        rest = sorted(set(range(count)) - set(sample(count, everything=self.everything)))
        looks = in_order(self._look, ((place, number) for number in rest), count_workers(None))
        return any(one.pixels[:-1].any() for one in looks)

    def _judge(self, domain: str) -> None:
        """Adds the problems of the frames of a domain that were read: one for each setting, and the unreadable ones."""
        by_path: dict[tuple[str, ...], list[InputError]] = {}
        for one in self._looks(domain):
            if one.problem is not None and not isinstance(one.problem, UnreadableFrame):
                error = domain_error(domain, self.data, _blamed(one, one.problem, self.data.classes))
                by_path.setdefault(error.path, []).append(error)
        for path, errors in by_path.items():
            more = f" (and so in {len(errors) - 1} more of the frames that were read)" if len(errors) > 1 else ""
            self._add(domain, InputError(f"{errors[0]}{more}", path))
        self._judge_unreadable(domain)

    def _judge_unreadable(self, domain: str) -> None:
        unreadable = {place: _unreadable(some) for place, some in self.looks.items() if place[0] == domain}
        listed = {place: len(self.decodings[place].files) for place in unreadable}
        every = [one for some in unreadable.values() for one in some]
        if not every:
            return
        share = self.data.loading.unreadable_share
        try:
            check_share(sum(listed.values()), every, share)
            for place in unreadable:
                check_share(listed[place], unreadable[place], share if len(unreadable[place]) < listed[place] else 0.0)
        except ValueError as error:
            self._add(domain, error)
            return
        text = f"domain {domain!r}: {len(every)} of the frames that were read are left out: {every[0].path} "
        self.notes.append(InputError(f"{text}{every[0].reason}", ("data", "domains", domain)))

    def _add(self, domain: str, error: ValueError) -> None:
        """Adds a problem of a domain; a note if there is a run that does not use it."""
        found = error if isinstance(error, InputError) else domain_error(domain, self.data, error)
        known = [str(one) for one in (*self.problems, *self.notes)]
        if str(found) not in known:
            (self.problems if self.run is None or self.needed(domain) else self.notes).append(found)


def _plain(errors: Iterable[InputError]) -> list[SettingProblem]:
    return [SettingProblem(path=error.path, text=str(error)) for error in errors]


def _unreadable(looks: Sequence[Look]) -> list[Unreadable]:
    problems = [(number, one.problem) for number, one in enumerate(looks)]
    return [Unreadable(number, one.path, one.reason) for number, one in problems if isinstance(one, UnreadableFrame)]


def _blamed(one: Look, problem: ValueError, classes: ClassSet) -> ValueError:
    """Returns the problem of a frame with the setting that names the file which has it."""
    if isinstance(problem, WrongSetting):
        return problem
    readers: tuple[tuple[tuple[str, ...], Callable[[], object]], ...] = (
        (("images", "file"), one.files.picture),
        (("channel", "labels"), lambda: read_pair(one.files, classes)),
    )
    for keys, read in readers:
        try:
            read()
        except ValueError:
            return WrongSetting(str(problem), *keys, "root")
    return WrongSetting(str(problem), "depth", "weather")
