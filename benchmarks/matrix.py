"""The expansion of a suite into runs, grouped so that nothing is built twice."""

from dataclasses import dataclass

from benchmarks.datasets import DatasetSpec
from benchmarks.suite import BuildSpec, SearchSpec, Suite


@dataclass(frozen=True, kw_only=True)
class Group:
    """One build of one data set, and every search to run on it."""

    dataset: DatasetSpec
    build: BuildSpec
    searches: tuple[SearchSpec, ...]


def expand(suite: Suite) -> tuple[Group, ...]:
    """Every run of the suite, data set by data set; the suite's first pair comes first in each."""
    searches: dict[str, list[SearchSpec]] = {}
    builds: dict[str, BuildSpec] = {}
    for build, search in suite.pairs:
        builds[build.name] = build
        searches.setdefault(build.name, []).append(search)
    return tuple(
        Group(dataset=dataset, build=builds[name], searches=tuple(found))
        for dataset in suite.datasets
        for name, found in searches.items()
    )
