"""What a job does with each document, ticked off as it goes."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chunkers.document import Content, ContentType, Format
from indexers.jobs.documents import JobDocuments, Outcome, Task
from indexers.state import State


@pytest.fixture
def documents(database_url: str) -> Iterator[JobDocuments]:
    made = State(database_url)
    yield made.jobs.documents
    made.close()


def task(number: int, action: str = "new", **values: object) -> Task:
    plain = Task(
        number=number,
        batch=number // 2,
        document_id=f"d{number}",
        action=action,
        revision="r1",
        location=f"faqs.jsonl:{number}",
        position=number * 100,
    )
    return replace(plain, **values)  # type: ignore[arg-type]


def content(id_: str, data: bytes = b"{}") -> Content:
    return Content(
        id=id_, content_type=ContentType.FAQ, format=Format.JSON, data=data, revision="r1"
    )


def numbers(tasks: list[Task]) -> list[int]:
    return [one.number for one in tasks]


def test_tasks_come_back_as_they_were_planned(documents: JobDocuments) -> None:
    tasks = [
        task(0),
        task(1, "modified", position=2**40),
        task(2, "deleted", batch=None, revision="", location=""),
        task(3, "unlisted", batch=None, state="failed", reason="not JSON"),
        task(4, "skipped", batch=None, state="skipped", reason="no text"),
    ]
    documents.replace("job", tasks)
    assert documents.all("job") == tasks
    assert documents.all("other") == []


def test_a_task_knows_its_document_as_the_source_listed_it() -> None:
    entry = task(3).entry
    assert (entry.id, entry.revision, entry.where) == ("d3", "r1", "faqs.jsonl:3")
    assert (entry.position, entry.content) == (300, None)


def test_a_plan_that_is_made_again_takes_the_place_of_the_first(documents: JobDocuments) -> None:
    documents.replace("job", [task(0), task(1), task(2)])
    documents.replace("other", [task(0)])
    documents.replace("job", [task(0, "modified")])
    assert documents.all("job") == [task(0, "modified")]
    assert documents.all("other") == [task(0)]


def test_what_is_pending_is_known_by_batch_and_as_a_whole(documents: JobDocuments) -> None:
    documents.replace("job", [*map(task, range(5)), task(5, "deleted", batch=None)])
    documents.finish("job", [Outcome(number=1, state="done"), Outcome(number=4, state="failed")])
    assert numbers(documents.pending("job")) == [0, 2, 3, 5]
    assert numbers(documents.pending("job", 0)) == [0]
    assert numbers(documents.pending("job", 1)) == [2, 3]
    assert numbers(documents.pending("job", 2)) == []


def test_what_has_ended_stays_as_it_ended(documents: JobDocuments) -> None:
    documents.replace("job", [task(0), task(1)])
    documents.replace("other", [task(0)])
    done = Outcome(number=0, state="done", chunks=3, embedded=2, reused=1)
    documents.finish("job", [done])
    documents.finish("job", [Outcome(number=0, state="failed", reason="too late")])
    documents.finish("job", [])
    ended = task(0, state="done", chunks=3, embedded=2, reused=1)
    assert documents.all("job") == [ended, task(1)]
    assert documents.all("other") == [task(0)]


def test_tasks_are_found_by_their_state(documents: JobDocuments) -> None:
    documents.replace("job", [task(0), task(1), task(2)])
    outcomes = [
        Outcome(number=0, state="failed", reason="field answer is missing"),
        Outcome(number=1, state="superseded"),
    ]
    documents.finish("job", outcomes)
    (failed,) = documents.all("job", states=["failed"])
    assert (failed.number, failed.reason) == (0, "field answer is missing")
    assert numbers(documents.all("job", states=["superseded", "pending"])) == [1, 2]


def test_a_document_s_task_is_the_one_that_changes_it(documents: JobDocuments) -> None:
    refused = task(1, "unlisted", document_id="d0", state="failed", reason="taken")
    documents.replace("job", [task(0), refused, task(2, "skipped", state="skipped")])
    assert documents.of_document("job", "d0") == [task(0)]
    assert documents.of_document("job", "d2") == []
    assert documents.of_document("other", "d0") == []


def test_many_documents_are_planned_and_ticked_off(documents: JobDocuments) -> None:
    many = [task(number, batch=number // 1000) for number in range(2500)]
    documents.replace("job", many)
    documents.finish("job", [Outcome(number=number, state="done") for number in range(2400)])
    assert numbers(documents.pending("job")) == list(range(2400, 2500))
    assert len(documents.all("job")) == 2500


@pytest.mark.parametrize(
    "name",
    ["a b/c", "\u00e9 \u4e2d\u6587 \U0001f642", 'it\'s "q"; DROP TABLE jobs;--', "x" * 5000, "%_"],
    ids=["space", "scripts", "quotes", "long", "wildcards"],
)
def test_a_document_may_have_any_name(documents: JobDocuments, name: str) -> None:
    odd = task(0, document_id=name, location=name, reason=name)
    documents.replace("job", [odd])
    documents.keep_contents("job", [content(name)])
    assert documents.of_document("job", name) == [odd]
    assert documents.contents("job", [name]) == {name: content(name)}


def test_contents_are_kept_by_job_and_document(documents: JobDocuments) -> None:
    documents.keep_contents("job", [content("a", b"\x00\xff"), content("b")])
    documents.keep_contents("other", [content("a", b"another")])
    documents.keep_contents("job", [content("b", b"later")])
    documents.keep_contents("job", [])
    assert documents.contents("job", ["a", "b", "c"]) == {
        "a": content("a", b"\x00\xff"),
        "b": content("b", b"later"),
    }
    assert documents.contents("job", []) == {}


def test_more_contents_than_fit_one_question_are_found(documents: JobDocuments) -> None:
    many = [content(f"{number}", str(number).encode()) for number in range(1100)]
    documents.keep_contents("job", many)
    found = documents.contents("job", [one.id for one in many])
    assert found == {one.id: one for one in many}
