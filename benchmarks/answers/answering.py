"""Answering what a suite's searches found, and having the answers judged."""

import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.answers.answered import Answered, Spent
from benchmarks.answers.use_cases import use_cases
from benchmarks.errors import AnsweringError, SearchError, SuiteError
from benchmarks.records import Asked, Record
from benchmarks.suite import AnswererSpec, AnsweringSpec
from generation.asked import Completion
from generation.configuration import load_configuration
from generation.errors import CallError, GenerationError
from generation.gateway import Gateway
from generation.settings import database_url
from indexers.errors import IndexersError
from indexers.located import LocatedError, construct
from retrieval.answering import (
    TAKEN,
    Answerer,
    Extractive,
    Generated,
    Question,
    Quoting,
    Ranking,
    Written,
)

if TYPE_CHECKING:  # LlamaIndex, which takes seconds to import.
    from benchmarks.answers.judge import Judge

_Found = tuple[Record, Question]
"""What a search returned for a question, and what an answerer is asked of it."""


@dataclass(frozen=True, kw_only=True)
class Answering:
    """Who answers, by the suite's names, and who judges that; `at_once` questions at a time.

    `use_cases` are the gateway's that they ask, by name, with all that decides what comes back.
    """

    answerers: Mapping[str, Answerer]
    judge: "Judge | None" = None
    at_once: int = 1
    use_cases: Mapping[str, Any] = field(default_factory=dict)

    def each(self, asked: Iterable[_Found], done: Collection[Asked] = ()) -> Iterator[list[Record]]:
        """The records of each question, in the order in which they are asked: a copy of what it
        came with for each answerer, one after the other, but for those who have answered it.

        A call of the gateway that fails is an answer that failed, and what remains is asked. At
        Ctrl-C no other question is asked, and what is under way comes first, since it is paid for.

        Raises:
            SearchError: an answer's citations could not be checked.
        """
        with ThreadPoolExecutor(self.at_once, thread_name_prefix="answers") as threads:
            waiting: deque[Future[list[Record]]] = deque()
            try:
                for record, question in asked:
                    waiting.append(threads.submit(self._answered, record, question, done))
                    if len(waiting) >= self.at_once:
                        yield _first(waiting)
                while waiting:
                    yield _first(waiting)
            except KeyboardInterrupt:
                while waiting:
                    yield _first(waiting)
                raise
            finally:
                threads.shutdown(wait=False, cancel_futures=True)  # Where somebody gave up.

    def _answered(self, found: Record, question: Question, done: Collection[Asked]) -> list[Record]:
        records = [replace(found, answerer=name) for name in self.answerers]
        return [self._one(record, question) for record in records if record.asked not in done]

    def _one(self, record: Record, question: Question) -> Record:
        assert record.answerer is not None
        try:
            given = ask(self.answerers[record.answerer], question)
        except IndexersError as exc:
            where = f"{record.dataset}, {record.key.system}, question {record.query_id!r}"
            raise SearchError(f"{where}: {exc}") from exc
        verdicts = None if self.judge is None else self.judge.verdicts(record, given)
        return replace(record, given=given, verdicts=verdicts)


def _first(waiting: deque[Future[list[Record]]]) -> list[Record]:
    found = waiting[0].result()
    waiting.popleft()  # Not before: who is interrupted meanwhile still wants it.
    return found


def ask(answerer: Answerer, question: Question) -> Answered:
    """What an answerer gives, where the gateway fails too.

    Raises:
        EmbedderError: the embedder failed.
    """
    began = time.perf_counter()
    try:
        writing = answerer.write(question)
        for _ in writing:
            pass
        written = writing.written
    except GenerationError as exc:
        return Answered(
            text="",
            refused=False,
            failed=f"{type(exc).__name__}: {exc}",
            spent=spent(exc) if isinstance(exc, CallError) else Spent(),
            total_ms=_ms_since(began),
        )
    total_ms = _ms_since(began)
    streams = isinstance(answerer, Generated) and answerer.gateway.use_case(answerer.name).stream
    return _answered(written, total_ms, streams=streams)


def _answered(written: Written, total_ms: float, *, streams: bool) -> Answered:
    answer, completion = written.answer, written.completion
    numbers = [n for s in answer.sentences for n in (*(c.number for c in s.citations), *s.invalid)]
    first_s = completion.first_token_s if completion and streams else None
    return Answered(
        text=" ".join(sentence.text for sentence in answer.sentences),
        refused=not answer.answerable,
        reason=answer.reason,
        cited=tuple(dict.fromkeys(numbers)),
        total_ms=total_ms,
        first_token_ms=None if first_s is None else first_s * 1000,
        spent=spent(completion) if completion else Spent(),
        target=completion.target if completion else None,
        attempts=completion.attempts if completion else 0,
        call_id=completion.call_id if completion else None,
    )


def spent(call: Completion | CallError) -> Spent:
    """What a call of the gateway took, also one that failed."""
    usage = call.usage
    return Spent(
        tokens_in=usage.input,
        tokens_out=usage.output,
        tokens_cache_read=usage.cache_read,
        tokens_cache_write=usage.cache_write,
        cost_nano=call.cost_nano,
    )


def _ms_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000


@contextmanager
def open_answering(
    spec: AnsweringSpec, generation: Path | None, data_dir: Path
) -> Iterator[Answering]:
    """What a suite says of answers, with the gateway that the file `generation` configures, where
    it names a use case. Costs and budgets are kept in `data_dir`, or in $DATABASE_URL.

    Raises:
        SuiteError: an answerer or the judge is not valid, or the gateway has no such use case.
        AnsweringError: the gateway cannot be opened.
    """
    named = [*(answerer.use_case for answerer in spec.answerers), spec.judge]
    names = [name for name in named if name is not None]
    if not names:
        yield answering_of(spec, None)
        return
    path = _given(spec, generation)
    try:
        configuration = load_configuration(path)
        gateway = Gateway(configuration, database_url(data_dir))
    except GenerationError as exc:
        raise AnsweringError(f"the gateway of {path} cannot be used: {exc}") from exc
    with closing(gateway):
        found = answering_of(spec, gateway)
        yield replace(found, use_cases=use_cases(configuration, names))


def _given(spec: AnsweringSpec, generation: Path | None) -> Path:
    if generation is None:
        key = "answerers" if any(answerer.use_case for answerer in spec.answerers) else "judge"
        said = f"'{key}' names a use case of the gateway: pass --generation PATH, its configuration"
        raise SuiteError(str(spec.where.error(said, key)))
    return generation


def answering_of(spec: AnsweringSpec, gateway: Gateway | None) -> Answering:
    """What a suite says of answers; `gateway` is there where it names a use case.

    Raises:
        SuiteError: an answerer or the judge is not valid, or the gateway has no such use case.
    """
    try:
        answerers = {one.name: _answerer(one, gateway) for one in spec.answerers}
        judge = None
        if spec.judge is not None:
            from benchmarks.answers.judge import Judge

            assert gateway is not None
            judge = Judge(gateway=gateway, use_case=spec.judge)
    except LocatedError as exc:
        raise SuiteError(str(exc)) from exc
    except GenerationError as exc:
        raise SuiteError(str(spec.where.error(f"'judge': {exc}", "judge"))) from exc
    return Answering(answerers=answerers, judge=judge, at_once=spec.at_once)


def _answerer(spec: AnswererSpec, gateway: Gateway | None) -> Answerer:
    if spec.use_case is None:
        extractive = construct(Extractive, spec.where, aside=(), ranking=Ranking())
        return Quoting(extractive=extractive, name=spec.name)
    assert gateway is not None
    valid = gateway.taking(TAKEN)
    if spec.use_case not in valid:
        raise spec.where.error(
            f"answerer {spec.name!r}: the gateway has no use case {spec.use_case!r} whose prompt "
            f"takes a question and passages; it has: {', '.join(valid) or 'none'}"
        )
    return Generated(gateway=gateway, name=spec.use_case)
