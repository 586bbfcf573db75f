"""What a model answers, and the parts of it that go over the wire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.gateway.bedrock import frames, models
from benchmarks.gateway.bedrock.asked import Asked
from benchmarks.gateway.bedrock.counts import Bill

MESSAGE_START = frames.chunk(frames.event("messageStart", {"role": "assistant"}))
BLOCK_STOP = frames.event("contentBlockStop", {"contentBlockIndex": 0})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The tokens of an answer, and why it stops."""

    tokens: Sequence[str]
    stop_reason: str


def answer_to(asked: Asked) -> Answer:
    """What the model answers: always the same to the same request."""
    model = asked.model
    script = models.scripted(asked.last_user, asked.prefill) if model.scripted else None
    tokens = models.words(asked.prefill, model.length) if script is None else script
    stop_reason = "end_turn"
    if asked.stop:
        stopped = _stopped(tokens, asked.stop)
        if stopped is not None:
            tokens, stop_reason = stopped, "stop_sequence"
    if len(tokens) > asked.max_tokens:
        tokens, stop_reason = tokens[: asked.max_tokens], "max_tokens"
    return Answer(tokens=tokens, stop_reason=stop_reason)


def read(asked: Asked, bill: Bill) -> None:
    """The model has read a request: what that is billed."""
    tokens = asked.input_tokens
    bill.cache_read = min(asked.model.cache_read, tokens)
    bill.cache_write = min(asked.model.cache_write, tokens - bill.cache_read)
    bill.input = tokens - bill.cache_read - bill.cache_write


def whole(asked: Asked, answer: Answer, bill: Bill, latency_ms: int) -> bytes:
    """The body of an answer to Converse."""
    message = {"role": "assistant", "content": [{"text": "".join(answer.tokens)}]}
    return frames.encoded(
        {
            "output": {"message": message},
            "stopReason": answer.stop_reason,
            **_about(asked, bill, latency_ms),
        }
    )


def last_chunks(asked: Asked, answer: Answer, bill: Bill, latency_ms: int) -> bytes:
    """What follows the last token of a stream."""
    stop = frames.event("messageStop", {"stopReason": answer.stop_reason})
    metadata = frames.event("metadata", _about(asked, bill, latency_ms))
    return b"".join(map(frames.chunk, (BLOCK_STOP, stop, metadata)))


def _about(asked: Asked, bill: Bill, latency_ms: int) -> Mapping[str, Any]:
    usage = {
        "inputTokens": bill.input,
        "outputTokens": bill.output,
        "totalTokens": bill.input + bill.output + bill.cache_read + bill.cache_write,
    }
    if asked.model.cache_read or asked.model.cache_write:
        usage["cacheReadInputTokens"] = bill.cache_read
        usage["cacheWriteInputTokens"] = bill.cache_write
    tier = {"serviceTier": {"type": asked.tier}} if asked.tier else {}
    return {"usage": usage, "metrics": {"latencyMs": latency_ms}, **tier}


def _stopped(tokens: Sequence[str], stop: Sequence[str]) -> tuple[str, ...] | None:
    text = "".join(tokens)
    found = [at for at in (text.find(sequence) for sequence in stop) if at >= 0]
    return models.tokens(text[: min(found)]) if found else None
