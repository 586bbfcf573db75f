"""The bodies of the API's requests and answers."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from retrieval.query import Query, Retrieved
from retrieval.query import Turn as QueryTurn

MAX_QUERY_CHARS = 8_000
MAX_BATCH = 32

EXAMPLE: dict[str, JsonValue] = {"query": "How do I pause my plan while I am on holiday?"}

Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUERY_CHARS)
]


class Body(BaseModel):
    """A request's body, which has no fields but the declared ones."""

    # Strict: what is meant by `true` or "2" where a number belongs is not ours to guess.
    model_config = ConfigDict(extra="forbid", strict=True)


class Turn(Body):
    """One message of the conversation so far."""

    role: Literal["user", "assistant"]
    text: str = Field(max_length=MAX_QUERY_CHARS)

    def to_turn(self) -> QueryTurn:
        """The message without its model."""
        return QueryTurn(role=self.role, text=self.text)


class RetrieveRequest(Body):
    """A question, and what may be returned for it. Only `query` is required."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    query: Text
    conversation: list[Turn] = Field(
        default=[],
        max_length=100,
        description="The messages before the question, oldest first.",
    )
    indexes: list[str] = Field(default=[], description="Indexes to search; all when empty.")
    filters: dict[str, Any] = Field(
        default={},
        description="Declared filter fields, each with a value, a list of values, or bounds "
        "such as {'gte': 3}.",
    )
    max_passages: int = Field(default=8, ge=1, le=50)
    max_tokens: int = Field(default=1500, ge=1, le=100_000, description="In cl100k_base tokens.")
    min_relevance: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="The least probability that a passage answers; each index has its own default.",
    )
    deadline_ms: int = Field(default=2000, ge=1, le=60_000)
    explain: bool = Field(default=False, description="List what was found and dropped, and why.")

    def to_query(self, tenant: str = "", request_id: str | None = None) -> Query:
        """The query that this body asks for."""
        return Query(
            text=self.query,
            conversation=tuple(turn.to_turn() for turn in self.conversation),
            indexes=tuple(dict.fromkeys(self.indexes)),
            filters=self.filters,
            max_passages=self.max_passages,
            max_tokens=self.max_tokens,
            min_relevance=self.min_relevance,
            deadline_ms=self.deadline_ms,
            explain=self.explain,
            tenant=tenant,
            request_id=request_id,
        )


class BatchRequest(Body):
    """Several questions at once; the answers come in the same order."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"requests": [EXAMPLE]}]})

    requests: list[RetrieveRequest] = Field(min_length=1, max_length=MAX_BATCH)


class ReindexRequest(Body):
    """How to re-index; all of it has defaults."""

    mode: Literal["incremental", "full"] = "incremental"
    dry_run: bool = Field(default=False, description="Only say what would change.")
    allow_shrink: bool = Field(
        default=False, description="Let the index lose more documents than its gate allows."
    )
    source: dict[str, Any] | None = Field(
        default=None, description="A source in place of the catalog's, as the catalog writes one."
    )


class SpanModel(BaseModel):
    """`document.text[start:end]`, in Unicode code points."""

    start: int
    end: int


class DocumentModel(BaseModel):
    """The document that a passage comes from."""

    id: str
    title: str
    url: str | None
    locale: str | None
    updated_at: str | None


class PassageModel(BaseModel):
    """A stretch of one document that answers the question."""

    id: str
    rank: int
    index: str
    content_type: str
    text: str
    relevance: float = Field(description="Calibrated probability, from 0 to 1, that this answers.")
    tokens: int
    heading_path: list[str]
    page: int | None
    span: SpanModel
    document: DocumentModel
    scores: dict[str, float]


class DroppedModel(BaseModel):
    """Something found and not returned."""

    id: str
    index: str
    document_id: str
    relevance: float
    reason: str


class DegradedModel(BaseModel):
    """Something that was asked for and not done."""

    stage: str
    reason: str


class RetrieveResponse(BaseModel):
    """The passages that answer, or `answerable: false` with a reason."""

    request_id: str
    answerable: bool
    reason: str | None
    rewritten: str | None = Field(
        description="The question as it was searched for, where a follow-up was rewritten."
    )
    passages: list[PassageModel]
    dropped: list[DroppedModel]
    degraded: list[DegradedModel]
    builds: dict[str, str]
    timings_ms: dict[str, float]


class IndexModel(BaseModel):
    """An index, and the build that is live."""

    name: str
    content_type: str
    filters: dict[str, str]
    build: str | None
    collection: str | None
    current: bool
    documents: int
    chunks: int
    indexed_at: str | None


class IndexesResponse(BaseModel):
    """Every index of the catalog."""

    indexes: list[IndexModel]


class ErrorDetail(BaseModel):
    """What was wrong, where, and what is valid there."""

    code: str
    message: str
    field: str | None = None
    valid: list[str] = []


class ErrorResponse(BaseModel):
    """Any answer that is not a success."""

    request_id: str
    errors: list[ErrorDetail]


class BatchResponse(BaseModel):
    """One answer for each request, in order; an error where no index could answer it (in time)."""

    responses: list[RetrieveResponse | ErrorResponse]


class HealthResponse(BaseModel):
    """The state of the process, or of everything it needs to answer."""

    status: str
    indexes: dict[str, str] = {}


def to_response(request_id: str, retrieved: Retrieved) -> dict[str, Any]:
    """A Retrieved as the JSON object that RetrieveResponse describes."""
    return {
        "request_id": request_id,
        "answerable": retrieved.answerable,
        "reason": retrieved.reason,
        "rewritten": retrieved.rewritten,
        "passages": retrieved.passages,
        "dropped": retrieved.dropped,
        "degraded": retrieved.degraded,
        "builds": retrieved.builds,
        "timings_ms": {name: round(ms, 2) for name, ms in retrieved.timings_ms.items()},
    }
