from pathlib import Path

import pytest

from benchmarks.errors import SuiteError
from benchmarks.matrix import expand
from benchmarks.suite import Suite, load_suite
from chunkers.document import ContentType, Format

SUITES = Path(__file__).parents[2] / "benchmarks" / "suites"

SUITE = """\
datasets:
  help: {form: retrieval, path: help, content_type: faq}
  marked: {form: spans, path: sets/marked, format: markdown, measures: [token_IoU]}
builds:
  small: {chunker: {kind: sentence_splitter, chunk_size: 200}}
  large: {}
searches:
  dense: {strategy: dense, top_k: 5}
  hybrid: {}
measures: [nDCG@10, hit@1]
"""


def suite(tmp_path: Path, text: str) -> Suite:
    path = tmp_path / "suite.yaml"
    path.write_text(text, encoding="utf-8")
    return load_suite(path)


def test_a_suite(tmp_path: Path) -> None:
    found = suite(tmp_path, SUITE)
    faqs, marked = found.datasets
    assert (faqs.name, faqs.content_type, faqs.format) == ("help", ContentType.FAQ, Format.TEXT)
    assert (marked.path, marked.format) == ("sets/marked", Format.MARKDOWN)
    assert marked.content_type is ContentType.ARTICLE
    measures = {
        name: [repr(measure) for measure in taken] for name, taken in found.measures.items()
    }
    assert measures == {"help": ["nDCG@10", "hit@1"], "marked": ["token_IoU"]}


def test_builds_and_searches_are_passed_on_as_they_stand(tmp_path: Path) -> None:
    build, search = suite(tmp_path, SUITE).pairs[0]
    assert build.where == {"chunker": {"kind": "sentence_splitter", "chunk_size": 200}}
    assert search.where == {"strategy": "dense", "top_k": 5}
    # What is wrong in them can still be said with its line.
    assert str(search.where.error("no", "top_k")).endswith("suite.yaml:8: no")


def test_without_runs_every_build_meets_every_search(tmp_path: Path) -> None:
    pairs = [(build.name, search.name) for build, search in suite(tmp_path, SUITE).pairs]
    assert pairs == [
        ("small", "dense"),
        ("small", "hybrid"),
        ("large", "dense"),
        ("large", "hybrid"),
    ]


def test_runs_are_grouped_by_what_is_built(tmp_path: Path) -> None:
    runs = (
        "runs:\n"
        "  - {build: large, search: dense}\n"
        "  - {build: small, search: dense}\n"
        "  - {build: large, search: hybrid}\n"
    )
    groups = expand(suite(tmp_path, SUITE + runs))
    found = [
        (group.dataset.name, group.build.name, [search.name for search in group.searches])
        for group in groups
    ]
    assert found == [
        ("help", "large", ["dense", "hybrid"]),
        ("help", "small", ["dense"]),
        ("marked", "large", ["dense", "hybrid"]),
        ("marked", "small", ["dense"]),
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("builds:", "build:", r":4: unknown key 'build'; valid keys: answerers, at_once, "),
        (
            "form: retrieval",
            "form: beir",
            r":2: unknown form 'beir'; valid: catalog, chat, chroma, ",
        ),
        ("form: retrieval, ", "", r":2: 'form' is missing; valid: catalog"),
        ("path: help, ", "", r":2: 'path' is missing"),
        ("path: help", "path: 3", r":2: 'path' must be text, not 3"),
        ("content_type: faq", "content_type: pdf", r":2: unknown content_type 'pdf'; valid: artic"),
        ("content_type: faq", "locale: en", r":2: unknown key 'locale'; valid keys: content_type"),
        ("form: spans", "form: catalog, content_type: faq", r":3: the catalog says the content"),
        ("hit@1", "hits@1", r":10: no measure 'hits@1'; valid: nDCG@k"),
        ("[nDCG@10, hit@1]", "nDCG@10", r":10: 'measures' must be a list, not text"),
        ("[nDCG@10, hit@1]", "[]", r":10: 'measures' must list at least one"),
        ("measures: [nDCG@10, hit@1]\n", "", r"'measures' is missing, here for 'help' or"),
        ("  hybrid: {}", "  hy/brid: {}", r":9: a name is not empty and has no '/'"),
        ("  hybrid: {}", "  dense: {}", r":9: 'dense' is there twice"),
        ("  large: {}", "  large: 5", r":6: 'large' must be a mapping, not 5"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in SUITE
    with pytest.raises(SuiteError, match=message):
        suite(tmp_path, SUITE.replace(old, new, 1))


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ("[{build: huge, search: dense}]", r":11: unknown build 'huge'; valid: large, small"),
        ("[{build: small}]", r":11: 'search' is missing; valid: dense, hybrid"),
        ("[small]", r":11: a run is a mapping of build and search, not text"),
        ("[]", r":11: 'runs' must list at least one"),
        ("[{build: small, search: dense}, {build: small, search: dense}]", "is there twice"),
    ],
)
def test_what_is_wrong_in_runs_is_named(tmp_path: Path, runs: str, message: str) -> None:
    with pytest.raises(SuiteError, match=message):
        suite(tmp_path, f"{SUITE}runs: {runs}\n")


def test_a_section_must_name_something(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="'datasets' must name at least one"):
        suite(tmp_path, "datasets: {}\nbuilds: {a: {}}\nsearches: {b: {}}\n")
    with pytest.raises(SuiteError, match="'datasets' is missing"):
        suite(tmp_path, "builds: {a: {}}\nsearches: {b: {}}\n")


def test_without_answerers_searches_are_compared_alone(tmp_path: Path) -> None:
    assert suite(tmp_path, SUITE).answering is None


def test_answerers_are_named_in_a_list(tmp_path: Path) -> None:
    more = "answerers: [extractive, answer]\njudge: judge\nat_once: 4\n"
    found = suite(tmp_path, SUITE + more).answering
    assert found is not None
    assert [(one.name, one.use_case) for one in found.answerers] == [
        ("extractive", None),
        ("answer", "answer"),
    ]
    assert (found.judge, found.at_once) == ("judge", 4)


def test_answerers_have_settings_in_a_mapping(tmp_path: Path) -> None:
    more = "answerers:\n  short: {max_sentences: 1}\n  bot: {use_case: answer}\n"
    found = suite(tmp_path, SUITE + more).answering
    assert found is not None
    assert [(one.name, one.use_case, dict(one.where)) for one in found.answerers] == [
        ("short", None, {"max_sentences": 1}),
        ("bot", "answer", {"use_case": "answer"}),
    ]
    assert (found.judge, found.at_once) == (None, 1)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("answerers: extractive", r":11: 'answerers' must be a mapping|must be a list, not text"),
        ("answerers: []", r":11: 'answerers' must list at least one"),
        ("answerers: {}", r":11: 'answerers' must name at least one"),
        ("answerers: [answer, answer]", r":11: a name has no '/' and is there once; not 'answer'"),
        ("answerers: [a/b]", r":11: a name has no '/' and is there once; not 'a/b'"),
        ("answerers: [3]", r":11: 'answerers' must be text, not 3"),
        ("answerers: {a: {use_case: b, margin: 1}}", r":11: unknown key 'margin'; valid keys: use"),
        ("answerers: {a: {use_case: }}", r":11: 'use_case' must be text, not nothing"),
        ("judge: judge", r":11: 'judge' is for answers: name those who give them in 'answerers'"),
        ("at_once: 2", r":11: 'at_once' is for answers"),
        ("answerers: [a]\nat_once: 0", r":12: 'at_once' must be a whole number above 0"),
        ("answerers: [a]\nat_once: yes", r":12: 'at_once' must be a whole number above 0"),
        ("answerers: [a]\njudge: 3", r":12: 'judge' must be text, not 3"),
    ],
)
def test_what_is_wrong_about_answers_is_named(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(SuiteError, match=message):
        suite(tmp_path, f"{SUITE}{more}\n")


@pytest.mark.parametrize("name", ["first", "smoke", "answers"])
def test_the_suites_that_ship_are_valid(name: str) -> None:
    found = load_suite(SUITES / f"{name}.yaml")
    build, search = found.pairs[0]
    assert (build.name, search.name) == ("baseline", "dense")
    assert build.where["chunker"]["kind"] == "sentence_splitter"
