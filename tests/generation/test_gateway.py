"""The gateway on the wire: what fails, where it goes on, what is written down."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.gateway.bedrock import Bedrock, Fault, Quota
from benchmarks.gateway.bedrock import Plan as BedrockPlan
from generation.errors import (
    BrokenStreamError,
    CancelledError,
    ConfigurationError,
    DeadlineError,
    DefectError,
    ExhaustedError,
    OverBudgetError,
    OverQuotaError,
    PromptError,
    RejectedError,
)
from generation.gateway import Gateway
from generation.pieces import Restarted, Text
from generation.records.reader import read_records
from tests.generation.gateways import ANSWER, INPUTS, MODEL, REGIONS, gateway, plan

STREAM: dict[str, Any] = {"stream": True, "first_token_s": 1.5, "between_tokens_s": 1.5}
SLOW = "fake.ttft1-itl30-len40-v1:0"
PASSING = (
    "ThrottlingException",
    "ModelNotReadyException",
    "InternalServerException",
    "ServiceUnavailableException",
    "ModelTimeoutException",
    "ModelErrorException",
    "ServiceQuotaExceededException",
    "AccessDeniedException",
    "ResourceNotFoundException",
    "reset",
)
BREAKING = (
    "reset_midway",
    "half_frame",
    "early_end",
    "bad_crc",
    "modelStreamErrorException",
    "throttlingException",
    "internalServerException",
    "serviceUnavailableException",
)


def records(folder: Path) -> list[Any]:
    return list(read_records(folder / "records"))


@pytest.mark.parametrize("streams", [{}, STREAM])
def test_an_answer_comes_whole(bedrock: Bedrock, tmp_path: Path, streams: Any) -> None:
    with gateway(bedrock, tmp_path, **streams) as bot:
        done = bot.complete("answer", INPUTS)
    assert (done.text, done.stop_reason) == (ANSWER, "end_turn")
    assert (done.target, done.attempts) == ("a", 1)


def test_a_stream_comes_token_by_token(bedrock: Bedrock, tmp_path: Path) -> None:
    with gateway(bedrock, tmp_path, **STREAM) as bot:
        pieces = list(bot.stream("answer", INPUTS))
    assert len(pieces) == 12
    assert "".join(p.text for p in pieces if isinstance(p, Text)) == ANSWER


@pytest.mark.parametrize("streams", [{}, STREAM])
@pytest.mark.parametrize("kind", PASSING)
def test_what_fails_at_one_target_is_answered_by_another(
    bedrock: Bedrock, tmp_path: Path, kind: Any, streams: Any
) -> None:
    bedrock.set_plan(plan(Fault(kind=kind), region="us-east-1"))
    with gateway(bedrock, tmp_path, **streams) as bot:
        done = bot.complete("answer", INPUTS)
    assert (done.text, done.target, done.attempts) == (ANSWER, "b", 2)


@pytest.mark.parametrize("kind", ["refused", "stall_head"])
def test_a_region_that_is_down_or_silent_is_left_for_another(
    bedrock: Bedrock, tmp_path: Path, kind: Any
) -> None:
    bedrock.set_plan(plan(Fault(kind=kind, stall_s=5), region="us-east-1"))
    with gateway(bedrock, tmp_path, **STREAM) as bot:
        done = bot.complete("answer", INPUTS)
    assert (done.text, done.target) == (ANSWER, "b")


@pytest.mark.parametrize("kind", ["half_body", "slow_body"])
def test_a_body_that_does_not_come_whole_is_asked_for_elsewhere(
    bedrock: Bedrock, tmp_path: Path, kind: Any
) -> None:
    bedrock.set_plan(plan(Fault(kind=kind, stall_s=5), region="us-east-1"))
    with gateway(bedrock, tmp_path, attempt_s=0.5) as bot:
        done = bot.complete("answer", INPUTS)
    assert (done.text, done.target, done.attempts) == (ANSWER, "b", 2)


def test_a_first_token_that_does_not_come_costs_its_limit_alone(
    bedrock: Bedrock, tmp_path: Path
) -> None:
    bedrock.set_plan(plan(Fault(kind="stall", stall_s=5), region="us-east-1"))
    with gateway(bedrock, tmp_path, **STREAM) as bot:
        done = bot.complete("answer", INPUTS)
    assert done.target == "b"
    assert 1.5 <= done.first_token_s < 2.5


@pytest.mark.parametrize("kind", BREAKING)
def test_a_stream_that_breaks_goes_on_elsewhere_without_a_token_lost_or_twice(
    bedrock: Bedrock, tmp_path: Path, kind: Any
) -> None:
    bedrock.set_plan(plan(Fault(kind=kind, after_tokens=5), region="us-east-1"))
    with gateway(bedrock, tmp_path, **STREAM) as bot:
        pieces = list(bot.stream("answer", INPUTS))
    assert "".join(p.text for p in pieces if isinstance(p, Text)) == ANSWER
    assert not any(isinstance(p, Restarted) for p in pieces)


def test_a_stream_that_falls_silent_goes_on_elsewhere(bedrock: Bedrock, tmp_path: Path) -> None:
    bedrock.set_plan(plan(Fault(kind="stall", stall_s=5, after_tokens=5), region="us-east-1"))
    with gateway(bedrock, tmp_path, **STREAM) as bot:
        done = bot.complete("answer", INPUTS)
    assert (done.text, done.target) == (ANSWER, "b")


@pytest.mark.parametrize(
    "how", [{"on_broken": "restart"}, {"on_broken": "continue", "target": {"continues": False}}]
)
def test_an_answer_that_cannot_go_on_starts_again_and_says_so(
    bedrock: Bedrock, tmp_path: Path, how: Any
) -> None:
    bedrock.set_plan(plan(Fault(kind="reset_midway", after_tokens=5), region="us-east-1"))
    with gateway(bedrock, tmp_path, **STREAM, **how) as bot:
        pieces = list(bot.stream("answer", INPUTS))
    (again,) = [n for n, piece in enumerate(pieces) if isinstance(piece, Restarted)]
    assert again == 5
    assert "".join(p.text for p in pieces[6:] if isinstance(p, Text)) == ANSWER


def test_a_model_that_takes_no_beginning_is_asked_for_the_whole(
    bedrock: Bedrock, tmp_path: Path
) -> None:
    bedrock.set_plan(plan(Fault(kind="reset_midway", after_tokens=5), region="us-east-1"))
    models = (MODEL, "fake.ttft1-itl1-len12-noprefill-v1:0")
    with gateway(bedrock, tmp_path, models=models, **STREAM) as bot:
        pieces = list(bot.stream("answer", INPUTS))
    (again,) = [n for n, piece in enumerate(pieces) if isinstance(piece, Restarted)]
    assert "".join(p.text for p in pieces[again + 1 :] if isinstance(p, Text)) == ANSWER


def test_what_came_of_an_answer_is_not_lost_when_no_attempt_is_left(
    bedrock: Bedrock, tmp_path: Path
) -> None:
    bedrock.set_plan(plan(Fault(kind="reset_midway", after_tokens=5)))
    with (
        gateway(bedrock, tmp_path, **STREAM, attempts=2) as bot,
        pytest.raises(ExhaustedError) as caught,
    ):
        bot.complete("answer", INPUTS)
    assert caught.value.text == " ".join(f"w{n}" for n in range(10))
    (record,) = records(tmp_path)
    assert caught.value.cost_nano == record["cost"]["nano"] > 0
    assert caught.value.usage.output == record["usage"]["output_tokens"] == 10


def test_a_region_that_cannot_be_reached_bills_nothing(bedrock: Bedrock, tmp_path: Path) -> None:
    bedrock.set_plan(plan(Fault(kind="refused"), region="us-east-1"))
    with gateway(bedrock, tmp_path) as bot:
        bot.complete("answer", INPUTS)
    (record,) = records(tmp_path)
    first = record["attempts"][0]
    assert (first["fault"]["name"], first["cost"]["nano"]) == ("Unreachable", 0)


class _Odd(BaseHTTPRequestHandler):
    """Answers as no version of Bedrock does."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = b'{"output": {"message": {}}, "stopReason": "end_turn"}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_an_answer_that_nobody_foresaw_is_an_error_and_recorded_as_one(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), _Odd) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        odd: Any = SimpleNamespace(
            endpoints=dict.fromkeys(REGIONS, f"http://127.0.0.1:{server.server_port}")
        )
        try:
            with gateway(odd, tmp_path) as bot, pytest.raises(DefectError, match="content"):
                bot.complete("answer", INPUTS)
        finally:
            server.shutdown()
            thread.join()
    (record,) = records(tmp_path)
    assert (record["outcome"], record["error"]["name"]) == ("failed", "DefectError")


def test_a_broken_stream_can_be_the_end(bedrock: Bedrock, tmp_path: Path) -> None:
    bedrock.set_plan(plan(Fault(kind="reset_midway", after_tokens=5), region="us-east-1"))
    with (
        gateway(bedrock, tmp_path, **STREAM, on_broken="fail") as bot,
        pytest.raises(BrokenStreamError) as caught,
    ):
        bot.complete("answer", INPUTS)
    assert caught.value.text == "w0 w1 w2 w3 w4"


def test_what_no_target_takes_is_sent_once(bedrock: Bedrock, tmp_path: Path) -> None:
    bedrock.set_plan(plan(Fault(kind="ValidationException")))
    with (
        gateway(bedrock, tmp_path) as bot,
        pytest.raises(RejectedError, match="ValidationException"),
    ):
        bot.complete("answer", INPUTS)
    assert bedrock.counts().where().requests == 1


def test_attempts_are_counted_over_all_targets(bedrock: Bedrock, tmp_path: Path) -> None:
    bedrock.set_plan(plan(Fault(kind="InternalServerException")))
    with (
        gateway(bedrock, tmp_path, attempts=3) as bot,
        pytest.raises(ExhaustedError, match="3 attempts failed"),
    ):
        bot.complete("answer", INPUTS)
    assert bedrock.counts().where().requests == 3


def test_a_deadline_holds_whatever_happens(bedrock: Bedrock, tmp_path: Path) -> None:
    bedrock.set_plan(plan(Fault(kind="stall_head", stall_s=5)))
    began = time.monotonic()
    with (
        gateway(bedrock, tmp_path, deadline_s=0.8, attempt_s=0.7) as bot,
        pytest.raises(DeadlineError, match=r"no answer within 0.8 s: a: Silent"),
    ):
        bot.complete("answer", INPUTS)
    assert time.monotonic() - began < 2


def test_who_asks_to_be_left_alone_is_left_alone(bedrock: Bedrock, tmp_path: Path) -> None:
    throttled = Fault(kind="ThrottlingException", retry_after_s=30)
    bedrock.set_plan(plan(throttled, region="us-east-1"))
    with gateway(bedrock, tmp_path) as bot:
        for _ in range(5):
            assert bot.complete("answer", INPUTS).target == "b"
    assert bedrock.counts().where(region="us-east-1").requests == 1


def test_a_slow_first_token_is_hedged(bedrock: Bedrock, tmp_path: Path) -> None:
    bedrock.set_plan(plan(Fault(kind="stall", stall_s=3), region="us-east-1"))
    hedged: dict[str, Any] = {**STREAM, "first_token_s": 5, "hedge_after_s": 0.1}
    with gateway(bedrock, tmp_path, **hedged) as bot:
        done = bot.complete("answer", INPUTS)
    assert (done.text, done.target, done.attempts) == (ANSWER, "b", 2)
    assert done.seconds < 1
    (record,) = records(tmp_path)
    assert [a["hedged"] for a in record["attempts"]] == [False, True]
    assert [a["outcome"] for a in record["attempts"]] == ["cancelled", "succeeded"]


def test_reading_that_is_given_up_closes_the_connection(bedrock: Bedrock, tmp_path: Path) -> None:
    with gateway(bedrock, tmp_path, models=(SLOW, SLOW), **STREAM) as bot:
        stream = bot.stream("answer", INPUTS)
        assert next(iter(stream))
        closed_by = time.monotonic() + 2
        while not bedrock.counts().cut_by_client and time.monotonic() < closed_by:
            time.sleep(0.01)
        assert bedrock.counts().cut_by_client == 1
    (record,) = records(tmp_path)
    assert (record["outcome"], record["answer"]) == ("cancelled", "w0")


def test_another_thread_can_cancel(bedrock: Bedrock, tmp_path: Path) -> None:
    bedrock.set_plan(plan(Fault(kind="stall", stall_s=5)))
    with gateway(bedrock, tmp_path, **{**STREAM, "first_token_s": 5}) as bot:
        stream = bot.stream("answer", INPUTS)
        threading.Timer(0.2, stream.cancel).start()
        began = time.monotonic()
        with pytest.raises(CancelledError):
            list(stream)
        assert time.monotonic() - began < 1


@pytest.mark.parametrize("streams", [{}, {"stream": True, "first_token_s": 9}])
def test_closing_does_not_wait_for_what_has_not_answered(
    bedrock: Bedrock, tmp_path: Path, streams: Any
) -> None:
    bedrock.set_plan(plan(Fault(kind="stall_head", stall_s=9)))
    with gateway(bedrock, tmp_path, attempt_s=9, **streams) as bot:
        assert_ends_when_cancelled(bot)
        began = time.monotonic()
    assert time.monotonic() - began < 3


def test_what_is_cancelled_before_it_has_a_thread_is_not_sent(
    bedrock: Bedrock, tmp_path: Path
) -> None:
    bedrock.set_plan(plan(Fault(kind="stall_head", stall_s=3)))
    with (
        gateway(bedrock, tmp_path, models=(MODEL,), at_once=1, attempt_s=9) as bot,
        ThreadPoolExecutor(4) as pool,
    ):
        first = pool.submit(bot.complete, "answer", INPUTS)
        time.sleep(0.3)
        streams = [bot.stream("answer", INPUTS) for _ in range(3)]
        waiting = [pool.submit(list, stream) for stream in streams]
        time.sleep(0.2)
        for stream in streams:
            stream.cancel()
        assert {type(one.exception()) for one in waiting} == {CancelledError}
        assert first.result().attempts == 1
    assert bedrock.counts().where().requests == 1
    costs = [record["cost"]["nano"] > 0 for record in records(tmp_path)]
    assert sorted(costs) == [False, False, False, True]


def test_cutting_a_connection_harms_no_other_call(bedrock: Bedrock, tmp_path: Path) -> None:
    chance = random.Random(1)
    delays = [chance.uniform(0, 0.03) if n % 2 else None for n in range(400)]

    def ask(cancel_after_s: float | None) -> int | None:
        stream = bot.stream("answer", INPUTS)
        if cancel_after_s is not None:
            threading.Timer(cancel_after_s, stream.cancel).start()
        try:
            list(stream)
        except CancelledError:
            return None
        return stream.completion.attempts

    with gateway(bedrock, tmp_path) as bot, ThreadPoolExecutor(8) as pool:
        attempts = list(pool.map(ask, delays))
    assert {n for n, delay in zip(attempts, delays, strict=True) if delay is None} == {1}
    assert attempts.count(None) > 50


def test_a_call_that_waits_for_quota_can_be_cancelled(bedrock: Bedrock, tmp_path: Path) -> None:
    limits: dict[str, Any] = {"target": {"quota": {"tokens_per_minute": 1000}}, "deadline_s": 60}
    with gateway(bedrock, tmp_path, models=(MODEL,), **limits) as bot:
        bot.complete("answer", INPUTS)
        assert_ends_when_cancelled(bot)
    assert records(tmp_path)[-1]["outcome"] == "cancelled"
    assert bedrock.counts().where().requests == 1


def test_a_call_that_leaves_a_target_alone_can_be_cancelled(
    bedrock: Bedrock, tmp_path: Path
) -> None:
    bedrock.set_plan(plan(Fault(kind="ThrottlingException", retry_after_s=20)))
    with gateway(bedrock, tmp_path, models=(MODEL,), deadline_s=60) as bot:
        assert_ends_when_cancelled(bot)
    assert bedrock.counts().where().requests == 1


def assert_ends_when_cancelled(bot: Gateway) -> None:
    stream = bot.stream("answer", INPUTS)
    threading.Timer(0.3, stream.cancel).start()
    began = time.monotonic()
    with pytest.raises(CancelledError):
        list(stream)
    assert 0.2 < time.monotonic() - began < 3


def test_records_and_costs_are_what_the_service_counted(bedrock: Bedrock, tmp_path: Path) -> None:
    kinds: tuple[Any, ...] = ("ThrottlingException", "InternalServerException", "reset")
    bedrock.set_plan(plan(*(Fault(kind=kind, share=0.1) for kind in kinds)))
    with gateway(bedrock, tmp_path, attempts=8) as bot, ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: bot.complete("answer", INPUTS), range(100)))
    counted = bedrock.counts()
    written = records(tmp_path)
    billed = counted.where(outcome="succeeded")
    attempts = [attempt for record in written for attempt in record["attempts"]]
    said = [attempt for attempt in attempts if not attempt["usage_estimated"]]
    assert len(written) == 100
    assert len(attempts) == counted.where().requests
    assert sum(a["usage"]["input_tokens"] for a in said) == billed.input
    assert sum(a["usage"]["output_tokens"] for a in said) == billed.output
    assert sum(a["cost"]["nano"] for a in said) == 1000 * billed.input + 4000 * billed.output
    assert sum(r["cost"]["nano"] for r in written) == sum(one.cost_nano for one in done)


def test_the_target_without_quota_left_is_passed_over(bedrock: Bedrock, tmp_path: Path) -> None:
    quota: dict[str, Any] = {"quota": {"tokens_per_minute": 1000}}
    with gateway(bedrock, tmp_path, target=quota) as bot:
        assert bot.complete("answer", INPUTS).target == "a"
        assert bot.complete("answer", INPUTS).target == "b"
        with pytest.raises(OverQuotaError, match=r"admitted by a, b in \d+\.\d s at the earliest"):
            bot.complete("answer", INPUTS)
    assert records(tmp_path)[-1]["outcome"] == "refused"


def test_admission_keeps_within_what_the_service_allows(bedrock: Bedrock, tmp_path: Path) -> None:
    service = Quota(region="*", model="*", tokens_per_minute=30_000)
    bedrock.set_plan(BedrockPlan(quotas=(service,)))
    quota: dict[str, Any] = {"quota": {"tokens_per_minute": 30_000}}
    with (
        gateway(bedrock, tmp_path, models=(MODEL,), target=quota) as bot,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(lambda _: bot.complete("answer", INPUTS), range(50)))
    assert bedrock.counts().outcomes() == {"succeeded": 50}


def test_a_call_over_its_budget_is_refused_before_it_is_sent(
    bedrock: Bedrock, tmp_path: Path
) -> None:
    with gateway(bedrock, tmp_path, budget={"day_usd": 0.003}) as bot:
        done = [bot.complete("answer", INPUTS) for _ in range(2)]
        with pytest.raises(OverBudgetError):
            list(iter(lambda: done.append(bot.complete("answer", INPUTS)), 1))
    assert 0 < sum(one.cost_nano for one in done) <= 3_000_000
    assert bedrock.counts().where().requests == len(done)


def test_an_attempt_over_the_budget_is_not_sent_after_one_that_may_be_billed(
    bedrock: Bedrock, tmp_path: Path
) -> None:
    bedrock.set_plan(plan(Fault(kind="half_body")))
    with (
        gateway(bedrock, tmp_path, budget={"day_usd": 0.0015}) as bot,
        pytest.raises(ExhaustedError, match=r"CutOff.*; the budget of use case .* is used up"),
    ):
        bot.complete("answer", INPUTS)
    assert bedrock.counts().where().requests == 1


def test_an_attempt_after_one_that_was_turned_away_needs_no_more_of_the_budget(
    bedrock: Bedrock, tmp_path: Path
) -> None:
    bedrock.set_plan(plan(Fault(kind="ThrottlingException"), region="us-east-1"))
    with gateway(bedrock, tmp_path, budget={"day_usd": 0.0015}) as bot:
        assert bot.complete("answer", INPUTS).attempts == 2


def test_a_hedge_over_the_budget_is_not_sent(bedrock: Bedrock, tmp_path: Path) -> None:
    bedrock.set_plan(plan(Fault(kind="stall", stall_s=0.5), region="us-east-1"))
    hedged: dict[str, Any] = {**STREAM, "hedge_after_s": 0.1, "budget": {"day_usd": 0.0015}}
    with gateway(bedrock, tmp_path, **hedged) as bot:
        done = bot.complete("answer", INPUTS)
    assert (done.target, done.attempts) == ("a", 1)


def test_a_use_case_that_there_is_not_names_those_that_there_are(
    bedrock: Bedrock, tmp_path: Path
) -> None:
    with (
        gateway(bedrock, tmp_path) as bot,
        pytest.raises(ConfigurationError, match="no use case 'judge'; there are answer"),
    ):
        bot.complete("judge", INPUTS)


def test_inputs_that_are_not_the_prompts_are_refused(bedrock: Bedrock, tmp_path: Path) -> None:
    with gateway(bedrock, tmp_path) as bot, pytest.raises(PromptError, match="passages"):
        bot.complete("answer", {"question": "How?"})
