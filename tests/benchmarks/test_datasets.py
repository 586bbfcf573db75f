import json
from pathlib import Path

import pytest

from benchmarks.datasets import FORMS, Dataset, DatasetSpec, Places
from benchmarks.datasets.catalog import catalog_set
from benchmarks.errors import DatasetError
from chunkers import extract
from chunkers.document import ContentType, Format
from indexers.sources.base import Source
from indexers.sources.directory import DirectorySource
from indexers.sources.jsonl import JsonlSource
from tests.benchmarks.conftest import DOCUMENTS, write_lines


def load(
    data: Path | None,
    form: str,
    path: str,
    content_type: ContentType = ContentType.ARTICLE,
    format: Format = Format.TEXT,
) -> Dataset:
    spec = DatasetSpec(
        name="set",
        form=FORMS[form],
        path=path,
        suite_folder=Path(),
        content_type=content_type,
        format=format,
    )
    return spec.load(Places(data=data, catalog=Path("catalog.yaml")))


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_retrieval_set(data: Path) -> None:
    dataset = load(data, "retrieval", "help")
    assert [question.id for question in dataset.questions] == ["q1", "q2", "q3"]
    assert dataset.questions[0].judgments == {"pause": 2, "wifi": 0}
    assert [question.answerable for question in dataset.questions] == [True, True, False]
    assert {content.id: extract(content).text for content in dataset.documents} == DOCUMENTS
    assert {content.title for content in dataset.documents} == set(DOCUMENTS)


def answer_in_words(data: Path, **answers: object) -> None:
    """Give the queries of the set `help` the answers by their ids."""
    path = data / "help" / "queries.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    write_lines(path, [{**row, "reference_answer": answers.get(row["_id"])} for row in rows])


def test_a_retrieval_set_with_answers(data: Path) -> None:
    answer_in_words(data, q1="Choose Pause.", q2=" ", q4="Of another split.")
    questions = load(data, "retrieval", "help").questions
    assert [question.answers for question in questions] == [("Choose Pause.",), (), ()]


def test_the_wording_of_a_refusal_is_no_answer(data: Path) -> None:
    answer_in_words(data, q1="Choose Pause.", q3="The documents do not say.")
    assert load(data, "retrieval", "help").questions[2].answers == ()


def test_an_answer_that_is_not_text_is_named(data: Path) -> None:
    answer_in_words(data, q2=["Five", "days"])
    with pytest.raises(DatasetError, match=r"queries\.jsonl:2: 'reference_answer' must be text"):
        load(data, "retrieval", "help")


def test_documents_can_be_read_twice_and_have_one_revision(data: Path) -> None:
    dataset = load(data, "retrieval", "help")
    assert list(dataset.documents) == list(dataset.documents)
    assert len({content.revision for content in dataset.documents}) == len(DOCUMENTS)


def test_a_row_as_a_faq(data: Path) -> None:
    dataset = load(data, "retrieval", "help", ContentType.FAQ)
    document = extract(next(iter(dataset.documents)))
    assert document.questions == ("pause",)
    assert DOCUMENTS["pause"] in document.text


def test_markdown_files_in_place_of_a_corpus(data: Path) -> None:
    folder = data / "help"
    (folder / "corpus.jsonl").unlink()
    for name, text in DOCUMENTS.items():
        file = folder / "documents" / "guide" / f"{name}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {name}\n\n{text}\n", encoding="utf-8")
    qrels = (folder / "qrels.tsv").read_text(encoding="utf-8")
    for name in DOCUMENTS:
        qrels = qrels.replace(f"\t{name}\t", f"\tguide/{name}.md\t")
    (folder / "qrels.tsv").write_text(qrels, encoding="utf-8")
    dataset = load(data, "retrieval", "help")
    assert [content.id for content in dataset.documents] == [
        f"guide/{name}.md" for name in DOCUMENTS
    ]
    assert {content.format for content in dataset.documents} == {Format.MARKDOWN}
    assert dataset.questions[1].judgments == {"guide/refund.md": 1}


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("qrels.tsv", "query-id", "query", r"qrels\.tsv:1: the header must be query-id<tab>"),
        ("qrels.tsv", "\t2\n", "\tyes\n", r"qrels\.tsv:2: must be query, document and a whole"),
        ("qrels.tsv", "refund", "refunds", r"qrels\.tsv:4: the corpus has no document 'refunds'"),
        ("qrels.tsv", "q2", "q9", r"qrels\.tsv: no query has the id 'q9'"),
        ("queries.jsonl", '"_id": "q1"', '"id": "q1"', r"jsonl:1: '_id' must be text.* has: id, "),
        ("queries.jsonl", '{"_id": "q2"', '"_id": "q2"', r"queries\.jsonl:2: not JSON"),
        ("corpus.jsonl", '"_id": "wifi"', '"_id": "pause"', "two documents have the id 'pause'"),
        ("corpus.jsonl", '"text": "A', '"body": "A', r"corpus\.jsonl:2: 'text' must be text"),
    ],
)
def test_what_is_wrong_in_a_retrieval_set_is_named(
    data: Path, file: str, old: str, new: str, message: str
) -> None:
    replace_in(data / "help" / file, old, new)
    with pytest.raises(DatasetError, match=message):
        load(data, "retrieval", "help")


def test_a_missing_data_folder_says_how_to_pass_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"pass --data DIR, the folder that holds help/"):
        load(None, "retrieval", "help")
    with pytest.raises(DatasetError, match=r"is not a folder; pass --data DIR"):
        load(tmp_path, "retrieval", "help")


def test_a_span_set(data: Path) -> None:
    dataset = load(data, "spans", "marked")
    (question,) = dataset.questions
    (span,) = question.references
    texts = {content.id: extract(content).text for content in dataset.documents}
    assert texts[span.document_id][span.start : span.end] == "It takes five working days."
    assert question.judgments == {"refund": 1}


@pytest.mark.parametrize(
    "text", ["\ufeffMark. It holds.", "Línea\r\nIt holds.", "\n\n It holds.\n"]
)
@pytest.mark.parametrize("format", [Format.TEXT, Format.MARKDOWN])
def test_a_span_sets_text_is_extracted_to_the_character(
    data: Path, text: str, format: Format
) -> None:
    write_lines(data / "marked" / "docs.jsonl", [{"doc_id": "refund", "text": text}])
    start = text.index("It holds.")
    reference = {"content": "It holds.", "start_index": start, "end_index": start + 9}
    row = {"id": "m1", "doc_id": "refund", "question": "does it?", "references": [reference]}
    write_lines(data / "marked" / "questions.jsonl", [row])
    dataset = load(data, "spans", "marked", format=format)
    assert [extract(content).text for content in dataset.documents] == [text]


def test_a_range_that_cuts_something_else_is_named(data: Path) -> None:
    replace_in(data / "marked" / "questions.jsonl", '"content": "It', '"content": "That')
    with pytest.raises(DatasetError, match=r"questions\.jsonl:1: \d+ to \d+ of 'refund' is 'It"):
        load(data, "spans", "marked")


def test_chromas_form(tmp_path: Path) -> None:
    folder = tmp_path / "chroma"
    (folder / "corpora").mkdir(parents=True)
    (folder / "corpora" / "notes.md").write_bytes("One\r\ntwo, thrée four".encode())
    reference = json.dumps([{"content": "thrée", "start_index": 10, "end_index": 15}])
    cell = reference.replace('"', '""')
    header = "question,references,corpus_id\n"
    (folder / "questions_df.csv").write_text(f'{header}"What, then?","{cell}",notes\n', "utf-8")
    dataset = load(tmp_path, "chroma", "chroma")
    (question,) = dataset.questions
    assert (question.id, question.text) == ("notes:0", "What, then?")
    (span,) = question.references
    assert (span.document_id, span.start, span.end) == ("notes", 10, 15)
    replace_in(folder / "questions_df.csv", "10", "11")
    with pytest.raises(DatasetError, match=r"questions_df\.csv:2: 11 to 15 of 'notes'"):
        load(tmp_path, "chroma", "chroma")


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Source]:
    articles = tmp_path / "articles"
    articles.mkdir()
    text = "# Pausing\n\nPause for up to\nthree boxes. Then wait. Then wait.\n"
    (articles / "pause.md").write_text(text, encoding="utf-8")
    faqs = tmp_path / "faqs.jsonl"
    write_lines(
        faqs, [{"id": "faq-card", "question": "Which card?", "answer": "The one you used."}]
    )
    return {
        "articles": DirectorySource(content_type=ContentType.ARTICLE, path=articles),
        "faqs": JsonlSource(content_type=ContentType.FAQ, path=faqs),
    }


def catalog(path: Path, sources: dict[str, Source], *answers: tuple[str, str, str]) -> Dataset:
    keys = ("index", "document_id", "quote")
    quoted = [dict(zip(keys, answer, strict=True)) for answer in answers]
    row = {"id": "s1", "question": "how long?", "locale": "en", "answers": quoted}
    write_lines(path / "questions.jsonl", [row])
    return catalog_set("samples", path / "questions.jsonl", sources)


def test_quotes_are_located_in_a_catalogs_documents(
    tmp_path: Path, sources: dict[str, Source]
) -> None:
    answers = [
        ("articles", "pause.md", "up to three boxes."),
        ("faqs", "faq-card", "The one you used."),
    ]
    dataset = catalog(tmp_path, sources, *answers)
    (question,) = dataset.questions
    texts = {content.id: extract(content).text for content in dataset.documents}
    cuts = [texts[span.document_id][span.start : span.end] for span in question.references]
    assert [" ".join(cut.split()) for cut in cuts] == [quote for _, _, quote in answers]
    assert question.judgments == {"pause.md": 1, "faq-card": 1}
    assert (question.answerable, question.locale) == (True, "en")


def test_a_question_without_answers_is_unanswerable(
    tmp_path: Path, sources: dict[str, Source]
) -> None:
    assert not catalog(tmp_path, sources).questions[0].answerable


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (("blog", "pause.md", "up"), r"jsonl:1: no index 'blog'; the catalog has: articles, faqs"),
        (("articles", "stop.md", "up"), r"jsonl:1: index 'articles' has no document 'stop\.md'"),
        (("articles", "pause.md", "four boxes"), r"jsonl:1: 'four boxes' stands in .* nowhere"),
        (("articles", "pause.md", "Then wait."), r"stands in 'pause\.md' 2 times; quote more"),
        (("articles", "pause.md", " "), "the quote from 'pause.md' is empty"),
    ],
)
def test_a_quote_that_cannot_be_placed_is_named(
    tmp_path: Path, sources: dict[str, Source], answer: tuple[str, str, str], message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        catalog(tmp_path, sources, answer)


def test_indexes_that_share_an_id_are_refused(tmp_path: Path, sources: dict[str, Source]) -> None:
    twice = {**sources, "copies": sources["faqs"]}
    with pytest.raises(DatasetError, match="'faqs' and 'copies' both hold a document 'faq-card'"):
        catalog(tmp_path, twice, ("articles", "pause.md", "up to three boxes."))


def test_every_quote_about_the_samples_is_located() -> None:
    folder = Path(__file__).parents[2] / "samples"
    found: dict[str, Source] = {
        "articles": DirectorySource(content_type=ContentType.ARTICLE, path=folder / "articles"),
        "faqs": JsonlSource(content_type=ContentType.FAQ, path=folder / "faqs.jsonl"),
        "snippets": JsonlSource(content_type=ContentType.SNIPPET, path=folder / "snippets.jsonl"),
        "manuals": DirectorySource(content_type=ContentType.PDF, path=folder / "pdfs"),
    }
    questions = catalog_set("samples", folder / "questions.jsonl", found).questions
    assert {question.answerable for question in questions} == {True, False}
    assert all(question.references for question in questions if question.answerable)


@pytest.mark.parametrize(
    ("form", "path", "content_type", "documents", "questions", "unanswerable"),
    [
        ("retrieval", "stackfaq", ContentType.FAQ, 125, 1249, 0),
        ("retrieval", "techqa_480", ContentType.ARTICLE, 337, 480, 96),
        ("retrieval", "scifact", ContentType.ARTICLE, 5183, 300, 0),
        ("retrieval", "aws_docs_qa", ContentType.ARTICLE, 2809, 100, 0),
        ("chroma", "chunking_evaluation", ContentType.ARTICLE, 5, 472, 0),
        ("spans", "spans/aws_markdown", ContentType.ARTICLE, 56, 72, 0),
        ("spans", "spans/techqa", ContentType.ARTICLE, 337, 323, 0),
        ("spans", "spans/xquad_en", ContentType.ARTICLE, 48, 1190, 0),
    ],
)
def test_the_shared_sets(
    shared_data: Path,
    form: str,
    path: str,
    content_type: ContentType,
    documents: int,
    questions: int,
    unanswerable: int,
) -> None:
    dataset = load(shared_data, form, path, content_type)
    assert sum(1 for _ in dataset.documents) == documents
    assert len(dataset.questions) == questions
    assert sum(not question.answerable for question in dataset.questions) == unanswerable


def test_the_shared_spans_hold_in_the_extracted_markdown(shared_data: Path) -> None:
    dataset = load(shared_data, "spans", "spans/aws_markdown", format=Format.MARKDOWN)
    rows = (shared_data / "spans/aws_markdown/docs.jsonl").read_text(encoding="utf-8").splitlines()
    texts = {row["doc_id"]: row["text"] for row in map(json.loads, rows)}
    assert {content.id: extract(content).text for content in dataset.documents} == texts


@pytest.mark.parametrize(
    ("form", "path", "answers"),
    [
        ("retrieval", "techqa_480", 384),
        ("clapnq", "clapnq", 478),
        ("retrieval", "aws_docs_qa", 100),
    ],
)
def test_the_reference_answers_of_the_shared_sets(
    shared_data: Path, form: str, path: str, answers: int
) -> None:
    questions = load(shared_data, form, path).questions
    assert sum(len(question.answers) for question in questions) == answers
    assert all(bool(question.answers) == question.answerable for question in questions)
