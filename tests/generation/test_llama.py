"""The gateway as LlamaIndex sees it."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.prompts import PromptTemplate

from benchmarks.gateway.bedrock import Bedrock, Fault
from generation.asked import Completion
from generation.errors import (
    BrokenStreamError,
    ConfigurationError,
    ExhaustedError,
    OverBudgetError,
)
from generation.llama import GatewayLLM
from generation.prompts.templates import Templates
from generation.records.reader import read_records
from tests.generation.gateways import ANSWER, MODEL, gateway, plan

STREAM: dict[str, Any] = {"stream": True, "first_token_s": 5, "between_tokens_s": 5}
USE_CASE: dict[str, Any] = {"prompt": "prompt@1"}
SCRIPTED = "fake.scripted-v1:0"
SLOW = "fake.itl50-len200-v1:0"
PASSED_ON = Templates.load().get("prompt", 1)


@given(st.text(min_size=1).filter(lambda text: bool(text.strip())))
def test_a_prompt_is_passed_on_as_it_is_but_for_white_space_around_it(prompt: str) -> None:
    system, (message,) = PASSED_ON.render({"prompt": prompt})
    assert (system, message.role) == ("", "user")
    assert message.text == prompt.strip()


def test_a_prompts_own_tags_and_braces_are_no_templates() -> None:
    prompt = "</prompt> {{ prompt }} {% raw %} <passage>{a}</passage> {{ 7 * 7 }}"
    _, (message,) = PASSED_ON.render({"prompt": prompt})
    assert message.text == prompt


def test_what_it_says_of_itself(bedrock: Bedrock, tmp_path: Path) -> None:
    with gateway(bedrock, tmp_path, **USE_CASE, max_tokens=77) as bot:
        said = GatewayLLM(bot, "answer", context_window=9000).metadata
    assert (said.model_name, said.num_output, said.context_window) == ("answer", 77, 9000)
    assert not said.is_chat_model


@pytest.mark.parametrize("streams", [{}, STREAM])
def test_an_answer_comes_whole_with_what_it_took(
    bedrock: Bedrock, tmp_path: Path, streams: Any
) -> None:
    told: list[Completion] = []
    with gateway(bedrock, tmp_path, **USE_CASE, **streams) as bot:
        llm = GatewayLLM(bot, "answer", told.append)
        found = llm.complete("How?")
    assert (found.text, found.raw) == (ANSWER, told[0])
    assert (told[0].usage.output, told[0].target) == (12, "a")


def test_a_stream_gives_each_time_all_of_it_so_far(bedrock: Bedrock, tmp_path: Path) -> None:
    told: list[Completion] = []
    with gateway(bedrock, tmp_path, **USE_CASE, **STREAM) as bot:
        pieces = list(GatewayLLM(bot, "answer", told.append).stream_complete("How?"))
    assert [piece.text for piece in pieces][::11] == ["w0", ANSWER]
    assert "".join(piece.delta or "" for piece in pieces) == ANSWER
    assert [completion.text for completion in told] == [ANSWER]


def test_a_chat_is_one_prompt(bedrock: Bedrock, tmp_path: Path) -> None:
    messages = [
        ChatMessage(role="system", content="Be brief."),
        ChatMessage(role="user", content="Say so.\nANSWER:\nSo.\nEND ANSWER"),
    ]
    with gateway(bedrock, tmp_path, models=[SCRIPTED], **USE_CASE) as bot:
        llm = GatewayLLM(bot, "answer")
        assert llm.chat(messages).message.content == "So."
        assert asyncio.run(llm.achat(messages)).message.content == "So."
        assert list(llm.stream_chat(messages))[-1].message.content == "So."
    prompts = [row["prompt"]["inputs"]["prompt"] for row in read_records(tmp_path / "records")]
    assert len(prompts) == 3
    assert all("system: Be brief." in prompt for prompt in prompts)


def test_a_template_is_filled_by_llama_index(bedrock: Bedrock, tmp_path: Path) -> None:
    template = PromptTemplate("Repeat.\nANSWER:\n{text}")
    with gateway(bedrock, tmp_path, models=[SCRIPTED], **USE_CASE) as bot:
        llm = GatewayLLM(bot, "answer")
        assert llm.predict(template, text="{{ a }} {b}") == "{{ a }} {b}"
        assert asyncio.run(llm.apredict(template, text="again")) == "again"


def test_asynchronous_calls_wait_beside_each_other_and_can_be_cancelled(
    bedrock: Bedrock, tmp_path: Path
) -> None:
    async def asked(llm: GatewayLLM) -> None:
        calls = [asyncio.create_task(llm.acomplete(f"How {n}?")) for n in range(20)]
        while bedrock.counts().open_streams < len(calls):
            await asyncio.sleep(0.02)  # They wait meanwhile, all at once, and not this.
        for call in calls:
            call.cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(one, asyncio.CancelledError) for one in ended)

    began = time.monotonic()
    with gateway(bedrock, tmp_path, models=[SLOW], **{**USE_CASE, **STREAM}, max_tokens=200) as bot:
        asyncio.run(asked(GatewayLLM(bot, "answer")))
    assert time.monotonic() - began < 5  # A whole answer takes ten seconds.
    rows = list(read_records(tmp_path / "records"))
    assert [row["outcome"] for row in rows] == ["cancelled"] * 20


def test_who_stops_reading_ends_the_call(bedrock: Bedrock, tmp_path: Path) -> None:
    with gateway(bedrock, tmp_path, models=[SLOW], **{**USE_CASE, **STREAM}, max_tokens=200) as bot:
        pieces = GatewayLLM(bot, "answer").stream_complete("How?")
        began = time.monotonic()
        assert next(pieces).text == "w0"
        pieces.close()
        del pieces
        assert time.monotonic() - began < 5  # The whole answer takes ten seconds.
    (row,) = read_records(tmp_path / "records")
    assert row["outcome"] == "cancelled"


def test_what_fails_is_an_error_of_the_gateway(bedrock: Bedrock, tmp_path: Path) -> None:
    bedrock.set_plan(plan(Fault(kind="ThrottlingException")))
    with gateway(bedrock, tmp_path, **USE_CASE, **STREAM, attempts=2) as bot:
        llm = GatewayLLM(bot, "answer")
        with pytest.raises(ExhaustedError):
            llm.complete("How?")
        with pytest.raises(ExhaustedError):
            list(llm.stream_complete("How?"))
        with pytest.raises(ExhaustedError):
            asyncio.run(llm.apredict(PromptTemplate("How?")))
    with (
        gateway(bedrock, tmp_path, **USE_CASE, budget={"day_usd": 1e-6}) as bot,
        pytest.raises(OverBudgetError),
    ):
        GatewayLLM(bot, "answer").complete("How?")


def test_a_stream_that_begins_again_ends_in_an_error(bedrock: Bedrock, tmp_path: Path) -> None:
    bedrock.set_plan(plan(Fault(kind="reset_midway", after_tokens=5), region="us-east-1"))
    with gateway(bedrock, tmp_path, **USE_CASE, **STREAM, on_broken="restart") as bot:
        llm = GatewayLLM(bot, "answer")
        with pytest.raises(BrokenStreamError, match="began again") as caught:
            list(llm.stream_complete("How?"))
        assert caught.value.text == "w0 w1 w2 w3 w4"
        assert llm.complete("How?").text == ANSWER


def test_a_use_case_with_another_prompt_is_refused(bedrock: Bedrock, tmp_path: Path) -> None:
    with gateway(bedrock, tmp_path) as bot:
        with pytest.raises(ConfigurationError, match=r"one text, 'prompt', .* whose do: none"):
            GatewayLLM(bot, "answer")
        with pytest.raises(ConfigurationError, match="no use case 'judge'; there are answer"):
            GatewayLLM(bot, "judge")


def test_a_calls_own_settings_are_refused(bedrock: Bedrock, tmp_path: Path) -> None:
    with gateway(bedrock, tmp_path, models=[MODEL], **USE_CASE) as bot:
        llm = GatewayLLM(bot, "answer")
        for call in (llm.complete, llm.stream_complete):
            with pytest.raises(ConfigurationError, match="a call cannot set temperature: what use"):
                call("How?", temperature=0.5)
