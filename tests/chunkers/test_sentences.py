# ruff: noqa: RUF001 - Chinese sentences end in full-width marks
import time

import pytest

from chunkers import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    "parts",
    [
        ["It costs $3.50 in v1.2.", "See https://x.test/a.b?c=d."],
        ["Dr. Smith met Mrs. Jones, e.g. in the U.S. office.", "They spoke."],
        ["Is it on?", "Yes!", "Good…", "Then go."],
        ['He said "Stop."', "Then he left."],
        ["The answer is no.", "See Fig. 3 and No. 5 for it."],
        ["¿Qué tal?", "¡Bien!", "El Sr. García, p. ej. Ana, vive en la Avda. Mayor."],
        ["Voir M. Dupont, p.ex. demain.", "C'est « bien. »", "Oui."],
        ["你好。", "我是客服！", "有什么问题？", "请说；", "谢谢"],
        ["Open Settings.", "- Choose one. item", "- Choose two", "1. Third. it is", "2. Fourth"],
        ["| a. B | c |", "| - | - |", "| d | e |"],
        ["# Heading", "Text that is\nwrapped here.", "More."],
        ["First paragraph", "Second paragraph"],
    ],
)  # fmt: skip
def test_sentences(parts: list[str]) -> None:
    for joint in ("\n", "\n\n"):
        assert sentences(joint.join(parts)) == parts or joint == "\n"
    if not any(part[0] in "-|#1" for part in parts) and parts[0][-1] in ".?!…":
        assert sentences(" ".join(parts)) == parts


def test_chinese_needs_no_space() -> None:
    assert sentences("你好。我是客服！“可以。”谢谢") == ["你好。", "我是客服！", "“可以。”", "谢谢"]


def test_lists_and_tables_break_at_lines() -> None:
    text = "Do this:\n- one\n- two\n| a | b |\n| c | d |\nafter\n# Head\nText"
    assert sentences(text) == [
        "Do this:", "- one", "- two", "| a | b |", "| c | d |", "after", "# Head", "Text",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "unit", ["A sentence. ", "a. ", "1. ", "x 1. b ", "no stop ", "\n", " ", ".", "你好。", "- a\n"]
)
def test_ten_times_the_text_takes_about_ten_times_as_long(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        start = time.perf_counter()
        sentence_spans(text)
        return time.perf_counter() - start

    assert seconds(1_000_000) < 40 * seconds(100_000) + 0.5


def test_nothing_gives_nothing() -> None:
    assert sentence_spans(" \n ") == []
