"""Sentence spans for English, Spanish, French and Chinese, without a model.

A line break ends a sentence only where the layout does: at a blank line, and before or after a
list item, a table row or a heading. Elsewhere a paragraph may be wrapped.
"""

import re

# A terminator with its closing quotes, in front of white space; or a CJK one, which needs none;
# or a line break. No run of terminators is tried from its middle: the pass stays linear.
_BREAK = re.compile(
    r"""
    (?P<stop>(?<![.!?\u2026])[.!?\u2026]++(?:["'\u2019\u201d\u00bb)\]*_]|[\u0020\u00a0\u202f]\u00bb)*+)(?=\s)
    | (?P<cjk>[\u3002\uff01\uff1f\uff1b]+[\u300d\u300f\u201d\u2019\uff09\u300b]*)
    | (?P<line>\n)
    """,
    re.VERBOSE,
)
_LAST_WORD = re.compile(r"[^\s(\[\"'\u201c\u2018\u00ab]+$")
_LAST_WORD_REACH = 24
_INITIAL = re.compile(r"(?:[^\W\d_]\.)+$")
_ORDINAL = re.compile(r"\d{1,3}\.$")
_STRUCTURED = re.compile(r"[^\S\n]*(?:[-*+\u2022\u25e6\u25aa|>#]|\d{1,3}[.)]\s|```|~~~|\n|\Z)")
_NEXT = re.compile(r"[\s\"'\u201c\u2018\u00ab(\[*_\u00bf\u00a1]*(\S?)")
# A name or more text follows these, so a capital letter says nothing.
_NEVER_LAST = frozenset(
    """
    mr mrs ms sr dr prof st mt vs e.g i.e cf al approx dept gov sen rep gen col capt sgt rev hon
    sra srta dra ud uds vd vds p.ej ej lic ing avda mm mme mlle mlles c.-à-d p.ex env chap
    """.split()  # noqa: SIM905 - a list of literals would run to pages
)
# These shorten a word in front of a number only, or in front of a name: "No. 5", "Fig. 2".
_NUMBERED = frozenset(
    """
    no nos fig figs sec vol p pp ed ver ext min max art pág págs núm n tél av bd jan feb mar apr
    jun jul aug sep sept oct nov dec
    """.split()  # noqa: SIM905 - a list of literals would run to pages
)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans of the sentences in order; together they hold every non-space character.

    Spans start and end on a character that is not white space. Time is linear in the text.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _BREAK.finditer(text):
        if _ends_sentence(text, match, start):
            _append_trimmed(spans, text, start, match.end())
            start = match.end()
    _append_trimmed(spans, text, start, len(text))
    return spans


def _append_trimmed(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    body = piece.strip()
    if body:
        first = start + len(piece) - len(piece.lstrip())
        spans.append((first, first + len(body)))


def _ends_sentence(text: str, match: re.Match[str], start: int) -> bool:
    if match["cjk"]:
        return True
    if match["line"]:
        return _ends_line(text, match.start(), match.end())
    return not match["stop"].startswith(".") or _full_stop(text, match, start)


def _ends_line(text: str, end: int, following: int) -> bool:
    """Whether the line break at `end` separates, rather than wraps, a paragraph."""
    if _STRUCTURED.match(text, following, following + 80):
        return True
    line = text.rfind("\n", max(0, end - 400), end) + 1
    return text[line : line + 1] in {"|", "#"} or text.startswith(("```", "~~~"), line)


def _full_stop(text: str, match: re.Match[str], start: int) -> bool:
    if len(match["stop"]) > 1:
        return _opens_sentence(text, match.end())
    reach = max(start, match.end() - _LAST_WORD_REACH)
    found = _LAST_WORD.search(text, reach, match.end())
    word = found.group() if found else ""
    bare = word.rstrip(".").lower()
    if bare in _NEVER_LAST or (_INITIAL.match(word) and len(word) == 2):
        return False
    if _ORDINAL.match(word) and _is_blank(text, start, match.end() - len(word)):
        return False  # the number of a list item
    if bare in _NUMBERED:
        following = _following(text, match.end())
        return not (following.isdigit() or following.islower())
    return _opens_sentence(text, match.end())


def _is_blank(text: str, start: int, end: int) -> bool:
    return end - start < 40 and not text[start:end].strip()


def _opens_sentence(text: str, at: int) -> bool:
    """Whether what follows can begin a sentence: anything but a lower-case letter."""
    return not _following(text, at).islower()


def _following(text: str, at: int) -> str:
    """Return the first character of the next word, past opening quotes and brackets."""
    found = _NEXT.match(text, at, at + 40)
    return found[1] if found else ""
