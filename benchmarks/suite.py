"""A suite: what to compare, on what, by which measures, as a YAML file says it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.datasets import FORMS, DatasetSpec
from benchmarks.errors import MeasureError, SuiteError
from benchmarks.measures import Measure, parse
from chunkers.document import ContentType, Format
from indexers.located import Located, LocatedError, choose, describe, load

_ANSWERING = frozenset({"answerers", "judge", "at_once"})
"""Keys that are about answers."""

_QUOTED = "extractive"
"""In a list of answerers, the one that is no use case of the gateway."""

_CORPUS_FORMATS = {"text": Format.TEXT, "markdown": Format.MARKDOWN}


@dataclass(frozen=True, kw_only=True)
class BuildSpec:
    """A way to index. `where` is the suite's mapping, read by the package that indexes."""

    name: str
    where: Located


@dataclass(frozen=True, kw_only=True)
class SearchSpec:
    """A way to search. `where` is the suite's mapping, read by the package that retrieves."""

    name: str
    where: Located


@dataclass(frozen=True, kw_only=True)
class AnswererSpec:
    """Who answers: a use case of the gateway, or, where that is None, the passages' own sentences.
    `where` are the settings of the latter, read by the package that answers."""

    name: str
    use_case: str | None
    where: Located


@dataclass(frozen=True, kw_only=True)
class AnsweringSpec:
    """Who answers what every search finds. `judge` is the use case of the gateway that judges the
    answers, if any, and `at_once` how many questions are answered at a time. `where` is the whole
    suite, for errors."""

    answerers: tuple[AnswererSpec, ...]
    judge: str | None
    at_once: int
    where: Located


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A whole comparison.

    `pairs` are the builds and searches to run on every data set, in order; the first is the
    baseline that all others are compared with. `answering` is who answers from what they find,
    None where searches are compared alone. `measures` are those of each data set by its name.
    """

    datasets: tuple[DatasetSpec, ...]
    pairs: tuple[tuple[BuildSpec, SearchSpec], ...]
    measures: Mapping[str, tuple[Measure, ...]]
    answering: AnsweringSpec | None = None


def load_suite(path: Path) -> Suite:
    """Read and check a suite.

    Raises:
        SuiteError: the file is not a valid suite. The message names the file, the line, the key,
            and what is valid there. What stands in a build, a search or an answerer is checked
            where it is read.
    """
    try:
        top = load(path)
        top.only({"datasets", "builds", "searches", "runs", "measures", *_ANSWERING})
        datasets = parse_datasets(top)
        builds = {name: BuildSpec(name=name, where=where) for name, where in _named(top, "builds")}
        searches = {
            name: SearchSpec(name=name, where=where) for name, where in _named(top, "searches")
        }
        pairs = _pairs(top, builds, searches)
        measures, answering = _measures(top), _answering(top)
        return Suite(datasets=datasets, pairs=pairs, measures=measures, answering=answering)
    except LocatedError as exc:
        raise SuiteError(str(exc)) from exc


def parse_datasets(top: Located) -> tuple[DatasetSpec, ...]:
    """The data sets under `datasets`, in the file's order.

    Raises:
        LocatedError: there are none, or one is not valid.
    """
    return tuple(_dataset(name, where) for name, where in _named(top, "datasets"))


def _named(top: Located, key: str) -> list[tuple[str, Located]]:
    top.require(key)
    section = top.mapping(key)
    if not section:
        raise top.error(f"'{key}' must name at least one", key)
    for name in section:
        if "/" in name or not name.strip():
            raise section.error(f"a name is not empty and has no '/'; not {name!r}", name)
    return [(name, section.mapping(name)) for name in section]


def _dataset(name: str, where: Located) -> DatasetSpec:
    where.only({"form", "path", "content_type", "format", "measures"})
    form = choose(where, "form", FORMS)
    path = _text(where, "path", where.require("path"))
    types = {kind.value: kind for kind in form.content_types}
    if not types and "content_type" in where:
        raise where.error("the catalog says the content type; leave it out", "content_type")
    return DatasetSpec(
        name=name,
        form=form,
        path=path,
        suite_folder=Path(where.file).parent,
        content_type=choose(where, "content_type", types, "article")
        if types
        else ContentType.ARTICLE,
        format=choose(where, "format", _CORPUS_FORMATS, "text"),
    )


def _measures(top: Located) -> dict[str, tuple[Measure, ...]]:
    shared = _measure_list(top) if "measures" in top else None
    found = {}
    for name, where in _named(top, "datasets"):
        measures = _measure_list(where) if "measures" in where else shared
        if measures is None:
            raise where.error(f"'measures' is missing, here for {name!r} or for the whole suite")
        found[name] = measures
    return found


def _measure_list(where: Located) -> tuple[Measure, ...]:
    try:
        return tuple(parse(_text(where, "measures", name)) for name in _list(where, "measures"))
    except MeasureError as exc:
        raise where.error(str(exc), "measures") from exc


def _pairs(
    top: Located, builds: Mapping[str, BuildSpec], searches: Mapping[str, SearchSpec]
) -> tuple[tuple[BuildSpec, SearchSpec], ...]:
    if "runs" not in top:
        return tuple((build, search) for build in builds.values() for search in searches.values())
    pairs = [_pair(top, item, builds, searches) for item in _list(top, "runs")]
    names = [(build.name, search.name) for build, search in pairs]
    for name in names:
        if names.count(name) > 1:
            raise top.error(f"the run of {name[0]!r} and {name[1]!r} is there twice", "runs")
    return tuple(pairs)


def _pair(
    top: Located,
    item: object,
    builds: Mapping[str, BuildSpec],
    searches: Mapping[str, SearchSpec],
) -> tuple[BuildSpec, SearchSpec]:
    if not isinstance(item, Located):
        raise top.error(f"a run is a mapping of build and search, not {describe(item)}", "runs")
    item.only({"build", "search"})
    return choose(item, "build", builds), choose(item, "search", searches)


def _answering(top: Located) -> AnsweringSpec | None:
    if "answerers" not in top:
        for key in _ANSWERING & top.keys():
            raise top.error(f"'{key}' is for answers: name those who give them in 'answerers'", key)
        return None
    at_once = top.get("at_once", 1)
    if isinstance(at_once, bool) or not isinstance(at_once, int) or at_once < 1:
        raise top.error("'at_once' must be a whole number above 0", "at_once")
    return AnsweringSpec(
        answerers=tuple(_answerers(top)),
        judge=_text(top, "judge", top["judge"]) if "judge" in top else None,
        at_once=at_once,
        where=top,
    )


def _answerers(top: Located) -> Iterator[AnswererSpec]:
    if isinstance(top["answerers"], Located):
        for name, where in _named(top, "answerers"):
            if "use_case" in where:
                where.only({"use_case"})
            use_case = _text(where, "use_case", where["use_case"]) if "use_case" in where else None
            yield AnswererSpec(name=name, use_case=use_case, where=where)
        return
    names = [_text(top, "answerers", name) for name in _list(top, "answerers")]
    for name in names:
        if "/" in name or names.count(name) > 1:
            raise top.error(f"a name has no '/' and is there once; not {name!r}", "answerers")
        where = Located(top.file, top.lines["answerers"])
        yield AnswererSpec(name=name, use_case=None if name == _QUOTED else name, where=where)


def _list(where: Located, key: str) -> list[Any]:
    value = where[key]
    if not isinstance(value, list):
        raise where.error(f"'{key}' must be a list, not {describe(value)}", key)
    if not value:
        raise where.error(f"'{key}' must list at least one", key)
    return value


def _text(where: Located, key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise where.error(f"'{key}' must be text, not {describe(value)}", key)
    return value
