"""What can go wrong while benchmarking, each said for the researcher who can act on it."""


class BenchmarksError(Exception):
    """The benchmark failed."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__class__.__doc__)


class SuiteError(BenchmarksError):
    """The suite is not valid."""


class DatasetError(BenchmarksError):
    """The data set cannot be read."""


class BuildError(BenchmarksError):
    """A data set could not be indexed."""


class SearchError(BenchmarksError):
    """A question could not be answered as the suite says."""


class AnsweringError(BenchmarksError):
    """Nobody can be asked for answers."""


class MeasureError(BenchmarksError):
    """There is no such measure."""


class RecordsError(BenchmarksError):
    """The folder does not hold the records of a run."""


class CalibrationError(BenchmarksError):
    """Relevance could not be fitted."""
