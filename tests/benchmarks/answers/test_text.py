from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.answers.text import (
    exact_match,
    lcs_length,
    rouge_l,
    rouge_tokens,
    squad_tokens,
    token_f1,
)

TEXTS = st.text(alphabet=st.sampled_from("ab the.,-é中ไ1 "), max_size=30)
FEW_TOKENS = st.lists(st.sampled_from("abcd"), max_size=40)


def near(numerator: int, denominator: int) -> object:
    return pytest.approx(float(Fraction(numerator, denominator)), rel=1e-12)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The  Eiffel Tower!", ["eiffel", "tower"]),
        ("an e.g. of 3,000 and/or $5", ["eg", "of", "3000", "andor", "5"]),
        ("A theatre, a thesis", ["theatre", "thesis"]),
        ("snake_case", ["snakecase"]),
        ("the", []),
        ("?!", []),
    ],
)
def test_squads_normalisation(text: str, tokens: list[str]) -> None:
    assert squad_tokens(text) == tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The cat's 3,000 naps", ["the", "cat", "s", "3", "000", "naps"]),
        ("snake_case", ["snake", "case"]),
        ("$ + -", []),
    ],
)
def test_rouges_tokens(text: str, tokens: list[str]) -> None:
    assert rouge_tokens(text) == tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("¿Dónde está «mi» pedido?", ["dónde", "está", "mi", "pedido"]),
        ("De\u0301ja\u0300 vu", ["déjà", "vu"]),
        ("“Größe” \u2013 5", ["größe", "5"]),
        ("如何退款\uff1f", ["如", "何", "退", "款"]),
        ("Wi-Fi の設定", ["の", "設", "定"]),
        ("환불은 언제", ["환불은", "언제"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("эта кошка", ["эта", "кошка"]),
    ],
)
def test_other_languages_have_their_words(text: str, tokens: list[str]) -> None:
    assert squad_tokens(text)[-len(tokens) :] == tokens
    assert rouge_tokens(text)[-len(tokens) :] == tokens


def test_exact_match_is_after_normalisation() -> None:
    assert exact_match("the Card.", ["a card"]) == 1.0
    assert exact_match("card refund", ["refund card"]) == 0.0
    assert exact_match("退款。", ["退 款"]) == 1.0


def test_token_f1_by_hand() -> None:
    # Four tokens given, five wanted; "back", "to" and one "card" are in both.
    answer, reference = "back to card, card", "it goes back to the card"
    assert token_f1(answer, [reference]) == near(2 * 3, 4 + 5)


def test_the_order_counts_for_rouge_l_and_not_for_f1() -> None:
    answer, reference = "police killed gunman", "gunman police killed"
    assert token_f1(answer, [reference]) == 1.0
    assert rouge_l(answer, [reference]) == near(2, 3)


def test_rouge_l_by_lins_own_example() -> None:
    # "police the gunman" and "the gunman" are common to four and four words (Lin, section 3.1).
    reference = "police killed the gunman"
    assert rouge_l("police kill the gunman", [reference]) == near(3, 4)
    assert rouge_l("the gunman kill police", [reference]) == near(2, 4)


def test_rouge_l_of_texts_of_two_lengths() -> None:
    # "hold button blue" is common to five and eight words.
    answer, reference = "hold a button till blue", "hold the button until the ring is blue"
    assert rouge_l(answer, [reference]) == near(2 * 3, 5 + 8)


def test_the_best_reference_counts() -> None:
    references = ["five working days", "in a week", "five days"]
    assert token_f1("five days", references) == 1.0
    assert rouge_l("five weeks", references) == near(2, 4)


@pytest.mark.parametrize("measure", [exact_match, token_f1, rouge_l])
def test_no_answer_is_right_only_where_there_is_no_reference(measure: object) -> None:
    assert callable(measure)
    assert measure("", []) == 1.0
    assert measure(" \n", [""]) == 1.0
    assert measure("five days", []) == 0.0
    assert measure("", ["five days"]) == 0.0
    # An annotator who found no answer does not outweigh one who did.
    assert measure("", ["five days", ""]) == 0.0
    assert measure("five days", ["", "five days"]) == 1.0


def test_an_answer_in_chinese_is_measured_in_parts() -> None:
    # Two of four and of five characters.
    assert token_f1("退款五天", ["何时能退款"]) == near(2 * 2, 4 + 5)
    assert rouge_l("退款五天", ["何时能退款"]) == near(2 * 2, 4 + 5)


@given(answer=TEXTS, references=st.lists(TEXTS, max_size=3))
def test_every_value_is_a_share(answer: str, references: list[str]) -> None:
    for measure in (exact_match, token_f1, rouge_l):
        assert 0.0 <= measure(answer, references) <= 1.0
    assert exact_match(answer, references) <= token_f1(answer, references)


@given(answer=TEXTS, reference=TEXTS)
def test_it_is_the_same_whichever_is_the_reference(answer: str, reference: str) -> None:
    for measure in (exact_match, token_f1, rouge_l):
        assert measure(answer, [answer]) == 1.0
        assert measure(answer, [reference]) == measure(reference, [answer])


@given(one=FEW_TOKENS, other=FEW_TOKENS)
def test_the_longest_common_subsequence_is_that_of_the_table(
    one: list[str], other: list[str]
) -> None:
    row = [0] * (len(other) + 1)
    for mine in one:
        above = row
        row = [0]
        for place, theirs in enumerate(other, start=1):
            grown = above[place - 1] + 1 if mine == theirs else 0
            row.append(max(above[place], row[-1], grown))
    assert lcs_length(one, other) == row[-1]
