"""A run as its folder holds it, and how far it came."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from benchmarks.origin import Origin
from benchmarks.records import RunKey, Runs, in_common
from benchmarks.suite import Suite


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """A suite, and the records that there are. `origin` is None in folders of earlier versions,
    which do not say what their records come from."""

    suite: Suite
    runs: Runs
    origin: Origin | None

    @property
    def finished(self) -> bool:
        """Whether every system of the suite was asked every question."""
        return not self._left(self._wanted)

    @property
    def extent(self) -> str:
        """How far the run came, in a few words."""
        if not self.runs:
            return "no records are there yet"
        asked, wanted = sum(self._asked.values()), sum(self._wanted.values())
        return f"{asked} of {wanted} records are there"

    def warnings(self, systems: Sequence[str] = ()) -> list[str]:
        """What is to be known ahead of what is said of the run, or of some of its systems."""
        said = []
        wanted = {key: n for key, n in self._wanted.items() if not systems or key.system in systems}
        if self._left(wanted):
            said += [f"UNFINISHED: {self.extent}. What follows is over:", *self._shown(wanted)]
            said.append(
                "The same `run` command goes on with it."
                if self.origin
                else "An earlier version wrote it, which does not say what it came from: it cannot "
                "be gone on with."
            )
        if self.origin and self.origin.sittings > 1:
            said.append(
                f"It was run in {self.origin.sittings} sittings: latencies were taken at different "
                "times, perhaps beside other work."
            )
        return said

    def _left(self, wanted: Mapping[RunKey, int]) -> bool:
        return any(self._asked.get(key, 0) < n for key, n in wanted.items())

    def _shown(self, wanted: Mapping[RunKey, int]) -> Iterator[str]:
        """A line a data set. Questions are asked in order, so what systems have in common are the
        first ones."""
        shown = in_common({key: self.runs[key] for key in wanted if key in self.runs})
        for dataset in dict.fromkeys(key.dataset for key in wanted):
            systems = [key for key in wanted if key.dataset == dataset]
            questions = [len(shown[key]) for key in systems if key in shown]
            first = f"the first {questions[0]}" if questions else "none"
            of_systems = f"{len(questions)} of {len(systems)} systems"
            yield f"  {dataset}: {first} of {wanted[systems[0]]} questions, {of_systems}"

    @cached_property
    def _asked(self) -> dict[RunKey, int]:
        return {
            key: len({record.query_id for record in records}) for key, records in self.runs.items()
        }

    @cached_property
    def _wanted(self) -> dict[RunKey, int]:
        answering = self.suite.answering
        names = [one.name for one in answering.answerers] if answering else [None]
        return {
            RunKey(dataset.name, build.name, search.name, name): self._questions(dataset.name)
            for dataset in self.suite.datasets
            for build, search in self.suite.pairs
            for name in names
        }

    def _questions(self, dataset: str) -> int:
        if self.origin is not None and dataset in self.origin.questions:
            return self.origin.questions[dataset]
        # It was not written down: as many as any system has, and one at least.
        return max((n for key, n in self._asked.items() if key.dataset == dataset), default=1)
