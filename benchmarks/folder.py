"""The folder of a run, and the files in it."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import RecordsError
from benchmarks.records import Runs, by_run, on_disk, read_records
from benchmarks.suite import Suite, load_suite


@dataclass(frozen=True)
class RunFolder:
    """What `run` writes and `report` and `compare` read.

    `suite.yaml` is a copy of the suite: a measure that is added to it there is taken from the
    records, without another run.
    """

    path: Path

    @property
    def records(self) -> Path:
        """One line a question and system; see `benchmarks.records`."""
        return self.path / "records.jsonl"

    @property
    def suite(self) -> Path:
        """The suite as it was run."""
        return self.path / "suite.yaml"

    @property
    def summary(self) -> Path:
        """The values of all measures; see `benchmarks.report.summary`."""
        return self.path / "summary.json"

    def begin(self, suite: Path) -> None:
        """Make the folder ready for a new run.

        Raises:
            RecordsError: it holds a run already, which is never written over; or it is no folder,
                or cannot be made or written.
        """
        with on_disk(self.path):
            if self.path.exists() and not self.path.is_dir():
                raise RecordsError(f"{self.path} is not a folder; choose another one with --out")
            if self.records.exists() and self.records.stat().st_size:
                raise RecordsError(
                    f"{self.path} holds a run already; choose another folder with --out"
                )
            self.path.mkdir(parents=True, exist_ok=True)
            self.suite.write_bytes(suite.read_bytes())

    def summarise(self, text: str) -> None:
        """Write the summary, over one that is there.

        Raises:
            RecordsError: it cannot be written.
        """
        with on_disk(self.summary):
            self.summary.write_text(text, encoding="utf-8")

    def load(self) -> tuple[Suite, Runs]:
        """The suite and the records of every run.

        Raises:
            RecordsError: the folder holds no run, or a file of it is damaged.
            SuiteError: the suite is not valid.
        """
        runs = by_run(read_records(self.records))
        return load_suite(self.suite), runs
