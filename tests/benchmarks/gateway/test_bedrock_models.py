import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.gateway.bedrock.models import model_of, scripted, tokens, words
from benchmarks.gateway.bedrock.refusals import RefusedError
from tests.benchmarks.gateway.bedrock_client import REGION, SERVICE

ACCOUNT = f"arn:aws:bedrock:{REGION}:123456789012"
IDS = [
    "fake.ttft20-itl2-len80-v1:0",
    "fake.ttft20.itl2.len80-v1:0",
    "fake.ttft20-itl2-len80",
    "us.fake.ttft20-itl2-len80-v1:0",
    "global.fake.len80.itl2.ttft20-v2:0",
    f"arn:aws:bedrock:{REGION}::foundation-model/fake.ttft20-itl2-len80-v1:0",
    f"{ACCOUNT}:inference-profile/us.fake.ttft20-itl2-len80-v1:0",
    f"{ACCOUNT}:provisioned-model/t20i2l80xxxx",
    f"{ACCOUNT}:provisioned-model/l80t20i2xab1",
    f"{ACCOUNT}:application-inference-profile/t20i2l80x001",
]


@pytest.mark.parametrize("model_id", IDS)
def test_a_model_behaves_as_its_id_says_wherever_the_id_stands(model_id: str) -> None:
    model = model_of(model_id, REGION)
    assert (model.ttft_ms, model.itl_ms, model.length) == (20, 2, 80)
    assert (model.ttft_s, model.itl_s) == (0.02, 0.002)


@pytest.mark.parametrize("model_id", IDS)
def test_the_ids_are_legal_ones_of_bedrock(model_id: str) -> None:
    shape = SERVICE.operation_model("Converse").input_shape.members["modelId"]
    assert re.fullmatch(shape.metadata["pattern"], model_id)


def test_options_that_are_left_out_have_defaults() -> None:
    model = model_of("fake.-v1:0", REGION)
    assert (model.ttft_ms, model.itl_ms, model.length, model.max_tokens) == (0, 0, 20, 8192)
    assert (model.cache_read, model.cache_write) == (0, 0)
    assert model.prefill
    assert not model.scripted


def test_every_option_has_a_long_and_a_short_name() -> None:
    long = model_of("fake.max9-cache3-write4-scripted-noprefill-v1:0", REGION)
    short = model_of(f"{ACCOUNT}:provisioned-model/m9c3w4snxxxx", REGION)
    assert long == short
    assert (long.max_tokens, long.cache_read, long.cache_write) == (9, 3, 4)
    assert long.scripted
    assert not long.prefill


@pytest.mark.parametrize(
    "model_id",
    [
        "anthropic.claude-3-haiku-20240307-v1:0",
        "fake.fast-v1:0",
        "fake.len-v1:0",
        "fake.scripted5-v1:0",
        "fake.len70000-v1:0",
        f"{ACCOUNT}:provisioned-model/t20",
        f"{ACCOUNT}:provisioned-model/q20l80xxxxxx",
        "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.fake.len80-v1:0",
    ],
)
def test_an_id_that_says_nothing_is_refused(model_id: str) -> None:
    with pytest.raises(RefusedError, match="The provided model identifier is invalid") as refused:
        model_of(model_id, REGION)
    assert refused.value.name == "ValidationException"


@given(st.integers(0, 300), st.integers(0, 300))
def test_an_answer_that_is_continued_loses_and_repeats_no_word(length: int, cut: int) -> None:
    full = words("", length)
    begun = "".join(full[:cut])
    assert begun + "".join(words(begun, length)) == "".join(full)


@given(st.text())
def test_the_tokens_of_a_text_are_that_text(text: str) -> None:
    assert "".join(tokens(text)) == text


def test_a_script_is_what_follows_its_marker() -> None:
    assert scripted('Judge this.\nANSWER:\n{"score": 4}', "") == ('{"score":', " 4}")
    assert scripted("ANSWER:\nNO_ANSWER\nEND ANSWER\nNow say it.", "") == ("NO_ANSWER",)
    assert scripted("ANSWER:\nfirst\nEND ANSWER\nANSWER:\nlast one", "") == ("last", " one")
    assert scripted("ANSWER:\none two three", "one two") == (" three",)
    assert scripted("ANSWER:\none two", "Well:") == ("one", " two")
    assert scripted("The ANSWER: is not on a line of its own.", "") is None
