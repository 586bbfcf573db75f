"""How alike an answer and its references are as texts, from 0 to 1.

Every measure is of tokens, and takes the best of the references. A text without tokens is no
answer, as in SQuAD 2.0: it scores 1 against no answer and 0 against any other. References without
tokens are passed over where there is another; where there is none, no answer is the right one.

Languages that put no spaces between words have one token a character, as in MLQA's mixed
segmentation (P. Lewis et al., MLQA: Evaluating Cross-lingual Extractive Question Answering, ACL
2020).
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

Tokens = Sequence[str]

_ARTICLES = frozenset({"a", "an", "the"})

_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai and Lao, Burmese, Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"  # kana, Han
)


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1 when the answer has the tokens of a reference in its order, else 0.

    This is the exact match of SQuAD (P. Rajpurkar et al., SQuAD: 100,000+ Questions for Machine
    Comprehension of Text, EMNLP 2016), over `squad_tokens`.
    """
    return _best(lambda one, other: float(one == other), squad_tokens, answer, references)


def token_f1(answer: str, references: Sequence[str]) -> float:
    """The harmonic mean of the answer's and the reference's shares of common tokens.

    This is the F1 of SQuAD 1.1 and, with what is no answer, of SQuAD 2.0 (P. Rajpurkar, R. Jia
    and P. Liang, Know What You Don't Know, ACL 2018), over `squad_tokens`. Order does not count; a
    token counts as often as it is in both.
    """
    return _best(_common_f1, squad_tokens, answer, references)


def rouge_l(answer: str, references: Sequence[str]) -> float:
    """ROUGE-L: the F-measure, with equal weights, of the longest common subsequence of tokens.

    For texts of m and n tokens with a subsequence of length l it is 2l / (m + n) (C.-Y. Lin,
    ROUGE: A Package for Automatic Evaluation of Summaries, 2004, section 3.1 with beta = 1; each
    text is one sequence, whatever its sentences). It is over `rouge_tokens`. Of several
    references the best counts, without Lin's jackknifing.
    """
    return _best(_subsequence_f1, rouge_tokens, answer, references)


def squad_tokens(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation and English articles.

    On printable ASCII these are the words of SQuAD's own normalisation. Punctuation is taken out,
    leaving no space, so that "3,000" is "3000"; beside ASCII's, with signs such as $ and +, it
    is what Unicode calls punctuation.
    """
    kept = "".join(letter for letter in _folded(text) if not _is_punctuation(letter))
    return [token for token in kept.split() if token not in _ARTICLES]


def rouge_tokens(text: str) -> list[str]:
    """The runs of letters, marks and digits of a text in lower case, without stemming.

    On ASCII text these are the tokens of the package rouge-score 0.1.2 without its stemmer, which
    reads nothing but ASCII letters and digits, and so nothing at all of most languages.
    """
    return "".join(
        letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in _folded(text)
    ).split()


def lcs_length(one: Tokens, other: Tokens) -> int:
    """The length of the longest common subsequence of two sequences.

    A row of the table of lengths is one whole number, with a bit of 0 for each token of `one` at
    which the length grows (H. Hyyrö, Bit-Parallel LCS-length Computation Revisited, AWOCA 2004):
    300 tokens against 300 take 300 steps in place of 90,000.
    """
    places: dict[str, int] = {}
    for place, token in enumerate(one):
        places[token] = places.get(token, 0) | 1 << place
    every = (1 << len(one)) - 1
    row = every
    for token in other:
        matched = row & places.get(token, 0)
        row = ((row + matched) | (row - matched)) & every
    return len(one) - row.bit_count()


def _best(
    alike: Callable[[Tokens, Tokens], float],
    tokens: Callable[[str], list[str]],
    answer: str,
    references: Sequence[str],
) -> float:
    given = tokens(answer)
    wanted = [found for found in map(tokens, references) if found]
    return max(alike(given, found) for found in wanted or [[]])


def _common_f1(one: Tokens, other: Tokens) -> float:
    return _f1((Counter(one) & Counter(other)).total(), one, other)


def _subsequence_f1(one: Tokens, other: Tokens) -> float:
    return _f1(lcs_length(one, other), one, other)


def _f1(shared: int, one: Tokens, other: Tokens) -> float:
    """The harmonic mean of `shared` over either length, in one fraction; 1 for two empty ones."""
    total = len(one) + len(other)
    return 2 * shared / total if total else 1.0


def _folded(text: str) -> str:
    # Composed, so that one letter typed in two ways is one letter.
    return _UNSPACED.sub(r" \1 ", unicodedata.normalize("NFC", text).lower())


def _is_punctuation(letter: str) -> bool:
    return letter in string.punctuation or unicodedata.category(letter).startswith("P")
