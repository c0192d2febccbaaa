"""Folder of an evaluation, whose finished domains are not evaluated again."""

from pathlib import Path

from pydantic import ValidationError

from segada.core.atomic_io import write_text
from segada.core.run_names import draft
from segada.errors import InputError
from segada.evaluation.records import DomainRecord, Evaluation
from segada.evaluation.tables import evaluation_csv

RESULT_MARKS = ("evaluation.json", draft("evaluation.json"))
"""Files of which a folder contains one as soon as anything is written into it."""


class ResultFolder:
    """Reads and writes `evaluation.json` and `evaluation.csv`.

    Attributes:
        evaluation: All finished domains, earlier ones included.
    """

    def __init__(self, path: Path, evaluation: Evaluation) -> None:
        """Loads the results of the same evaluation if the folder has any.

        Args:
            path: Path of the folder, which is created if missing.
            evaluation: Networks and protocol, without domains.

        Raises:
            InputError: if the folder holds another evaluation.
        """
        self._path = path
        self.evaluation = evaluation
        found = self._found()
        if found is None:
            return
        if (found.protocol, found.nameless()) != (evaluation.protocol, evaluation.nameless()):
            raise InputError(
                f"{self._json}: contains an evaluation of other networks or with another protocol; choose another "
                "folder with --out"
            )
        self.evaluation = evaluation.model_copy(update={"domains": found.domains})

    def finished(self, domain: str, key: str, kept: tuple[str, ...]) -> bool:
        """Returns True if a domain has been scored and all requested files of its frames are saved.

        Raises:
            InputError: if the domain has been scored with other settings of its frames.
        """
        record = self.evaluation.domains.get(domain)
        if record is None:
            return False
        if record.key != key:
            raise InputError(
                f"{self._json}: contains scores of a domain {domain!r} with other settings; choose another folder with "
                "--out"
            )
        return set(kept) <= set(record.saved)

    def claim(self) -> None:
        """Writes `evaluation.json` before any file of a frame, to mark the folder as an evaluation's."""
        if not self._json.exists():
            self._write()

    def add(self, domain: str, record: DomainRecord) -> None:
        """Writes both files with one more domain."""
        domains = {name: other for name, other in self.evaluation.domains.items() if name != domain}
        self.evaluation = self.evaluation.model_copy(update={"domains": {**domains, domain: record}})
        write_text(self._path / "evaluation.csv", evaluation_csv(self.evaluation))
        self._write()

    def _write(self) -> None:
        write_text(self._json, self.evaluation.model_dump_json(indent=1) + "\n")

    @property
    def _json(self) -> Path:
        return self._path / "evaluation.json"

    def _found(self) -> Evaluation | None:
        if not self._json.exists():
            return None
        try:
            return Evaluation.model_validate_json(self._json.read_bytes())
        except ValidationError as error:
            raise InputError(
                f"{self._json}: is not an evaluation of segada; choose another folder with --out"
            ) from error
