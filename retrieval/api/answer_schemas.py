"""The bodies of POST /answer."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from generation.asked import Completion
from generation.money.nano import usd_of
from retrieval.answering import AnswerSentence, Citation
from retrieval.api.schemas import (
    EXAMPLE,
    DegradedModel,
    DroppedModel,
    PassageModel,
    RetrieveRequest,
    SpanModel,
)
from retrieval.api.schemas import to_response as retrieved_response
from retrieval.reply import Reply


class AnswerRequest(RetrieveRequest):
    """A question to be answered. The fields of /retrieve say what may be retrieved for it, and
    `deadline_ms` how long that may take; writing has the deadline of its use case."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    answerer: str | None = Field(
        default=None,
        description="`extractive`, or a use case of the gateway; the service has a default.",
    )
    stream: bool = Field(default=False, description="Answer as server-sent events.")


class CitationModel(BaseModel):
    """A passage that the answer cites, by its number, from 1, among `passages`."""

    number: int
    passage_id: str
    document_id: str
    title: str
    url: str | None
    page: int | None
    quotes: list[SpanModel] = Field(description="What is repeated of the document word for word.")


class SentenceModel(BaseModel):
    """A sentence of the answer without its markers, checked against the passages it cites."""

    text: str
    citations: list[int]
    invalid: list[int] = Field(description="Numbers that were cited and that no passage has.")
    supported: bool | None = Field(
        description="Whether the passages that it cites say it too; null where it cites nothing, "
        "false where it cites only what is `invalid`."
    )


class UsageModel(BaseModel):
    """What a model was asked: tokens and cost are the sums over all attempts."""

    call_id: str = Field(description="Of its record.")
    target: str
    stop_reason: str
    attempts: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: float


class AnswerResponse(BaseModel):
    """The answer with its citations, or `answerable: false` with a reason."""

    request_id: str
    answerable: bool
    reason: str | None
    answer: str = Field(description="With markers such as [1], which name `citations`.")
    sentences: list[SentenceModel]
    citations: list[CitationModel]
    answerer: str | None = Field(description="Who wrote it; null where nothing was found.")
    usage: UsageModel | None
    rewritten: str | None
    passages: list[PassageModel]
    dropped: list[DroppedModel]
    degraded: list[DegradedModel]
    builds: dict[str, str]
    timings_ms: dict[str, float]


def to_answer(request_id: str, reply: Reply) -> dict[str, Any]:
    """A Reply as the JSON object that AnswerResponse describes."""
    answer = reply.answer
    return {
        **retrieved_response(request_id, reply.retrieved),
        "answerable": answer.answerable,
        "reason": answer.reason,
        "answer": answer.text,
        "sentences": [_sentence(one) for one in answer.sentences],
        "citations": [_citation(one) for one in answer.citations],
        "answerer": reply.answerer,
        "usage": None if reply.completion is None else _usage(reply.completion),
    }


def _sentence(one: AnswerSentence) -> dict[str, Any]:
    return {
        "text": one.text,
        "citations": [citation.number for citation in one.citations],
        "invalid": one.invalid,
        "supported": one.supported,
    }


def _citation(one: Citation) -> dict[str, Any]:
    return {
        "number": one.number,
        "passage_id": one.passage_id,
        "document_id": one.document_id,
        "title": one.title,
        "url": one.url,
        "page": one.page,
        "quotes": one.quotes,
    }


def _usage(completion: Completion) -> dict[str, Any]:
    usage = completion.usage
    return {
        "call_id": completion.call_id,
        "target": completion.target,
        "stop_reason": completion.stop_reason,
        "attempts": completion.attempts,
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_read_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write,
        "cost_usd": usd_of(completion.cost_nano),
    }
