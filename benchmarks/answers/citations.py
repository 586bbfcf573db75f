"""Whether an answer cites what the data set names as relevant, from 0 to 1.

After the citation precision and recall of ALCE (T. Gao et al., Enabling Large Language Models to
Generate Text with Citations, EMNLP 2023), which asks of every sentence, by a language model,
whether the passages that it cites support it. Here the data set's judgments say what is relevant,
of the answer as a whole: no model judges, but a relevant passage counts even where it does not
support the sentence, and a passage that does support it counts as wrong where the data set does
not name its document.

`cited` are numbers of passages, from 1; `documents` has the id of each passage's document.
"""

from collections.abc import Collection, Sequence


def citation_precision(
    cited: Collection[int], documents: Sequence[str], relevant: frozenset[str]
) -> float:
    """The share of the cited passages that are of a relevant document.

    A passage that is cited twice counts once; a number that no passage has counts as cited and
    never as relevant, as ALCE counts a citation out of range. Without a citation the value is 0, as
    in ALCE; an empty answer, which ALCE leaves out, scores 0 too.
    """
    distinct = set(cited)
    right = sum(documents[number - 1] in relevant for number in _there(distinct, documents))
    return right / len(distinct) if distinct else 0.0


def citation_recall(
    cited: Collection[int], documents: Sequence[str], relevant: frozenset[str]
) -> float:
    """The share of the relevant documents in the prompt of which a passage is cited.

    It counts documents: where the prompt has five passages of the right one, to cite the one that
    answers is enough. ALCE divides by the sentences of the answer. Where the prompt had nothing
    relevant there is nothing to cite: the value is 0, and its mean leaves such questions out.
    """
    wanted = relevant & set(documents)
    found = {documents[number - 1] for number in _there(cited, documents)} & wanted
    return len(found) / len(wanted) if wanted else 0.0


def _there(cited: Collection[int], documents: Sequence[str]) -> list[int]:
    return [number for number in cited if 1 <= number <= len(documents)]
