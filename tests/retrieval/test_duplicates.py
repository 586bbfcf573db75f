"""Texts that say the same."""

from retrieval.duplicates import Seen, fingerprint

TEXT = "You can pause your plan for up to six months, twice a year, in the app."


def seen(*texts: str) -> Seen:
    found = Seen()
    for text in texts:
        found.add(fingerprint(text))
    return found


def test_case_and_punctuation_make_no_difference() -> None:
    assert seen(TEXT).duplicates(fingerprint(TEXT.upper() + "!"), 0.9) == "exact"


def test_near_is_the_jaccard_similarity_of_word_triples() -> None:
    # 16 words have 14 triples; one more word at the end adds one: 14 / 15 = .933.
    longer = fingerprint(TEXT + " Really")
    assert seen(TEXT).duplicates(longer, 14 / 15) == "near"
    assert seen(TEXT).duplicates(longer, 14 / 15 + 0.001) is None


def test_other_words_are_no_duplicate() -> None:
    assert seen(TEXT).duplicates(fingerprint("Boxes leave on Tuesday."), 0.1) is None


def test_texts_too_short_for_triples_are_only_exact_duplicates() -> None:
    assert seen("Yes.").duplicates(fingerprint("yes"), 0.9) == "exact"
    assert seen("Yes.").duplicates(fingerprint("No."), 0.9) is None
