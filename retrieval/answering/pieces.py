"""What an answer quotes: segments with what they need, put in an order that reads well."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retrieval.answering.answer import AnswerSentence, Citation
from retrieval.answering.segments import LISTED, Kind, Segment, leads, segments
from retrieval.query import Passage, Span

_OWN_LINE = ("|", "```", "~~~")
"""How lines start, of tables and at the end of code, that end with nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A segment of the passage that has this number, from 1, in the prompt."""

    number: int
    passage: Passage
    segment: Segment

    @property
    def text(self) -> str:
        """The segment's text."""
        return self.passage.text[self.segment.start : self.segment.end]

    @property
    def leads(self) -> bool:
        """Whether it says nothing without what comes after it."""
        return leads(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a passage that is quoted as one, and what has to be quoted with it."""

    number: int
    passage: Passage
    kind: Kind
    start: int
    end: int
    block: int
    needs: tuple[int, int] | None

    def quotes(self, but: frozenset[tuple[int, int]] = frozenset()) -> list[tuple[int, int]]:
        """The spans to quote, without a needed one that was quoted already."""
        needed = [self.needs] if self.needs and self.needs not in but else []
        return [*needed, (self.start, self.end)]

    @property
    def text(self) -> str:
        """What is quoted, a line break between the parts."""
        return "\n".join(self.passage.text[a:b] for a, b in self.quotes())

    def overlaps(self, other: "Piece") -> bool:
        """Whether both quote the same."""
        return self.number == other.number and self.start < other.end and other.start < self.end


def candidates(passages: Sequence[Passage]) -> list[Candidate]:
    """Every segment that can answer, passage by passage; headings cannot."""
    return [
        Candidate(number=number, passage=passage, segment=segment)
        for number, passage in enumerate(passages, start=1)
        for segment in segments(passage)
        if segment.kind is not Kind.HEADING
    ]


def piece_of(candidate: Candidate) -> Piece:
    """The candidate alone."""
    segment = candidate.segment
    return _piece(candidate, [segment])


def whole_of(candidate: Candidate, among: Sequence[Candidate]) -> Piece | None:
    """The whole list that the candidate is an item of; or that, or the code, which it leads to.

    None where it is nothing of the kind.
    """
    mine = candidate.segment
    led = (mine.start, mine.end)
    block = [
        other.segment
        for other in among
        if other.number == candidate.number
        and (other.segment.needs == led or other.segment.block == mine.block)
        and (other.segment.kind in LISTED or other.segment.kind is Kind.CODE)
    ]
    return _piece(candidate, sorted(block, key=lambda part: part.start)) if block else None


def _piece(candidate: Candidate, block: Sequence[Segment]) -> Piece:
    return Piece(
        number=candidate.number,
        passage=candidate.passage,
        kind=block[0].kind,
        start=block[0].start,
        end=block[-1].end,
        block=block[0].block,
        needs=block[0].needs,
    )


def laid_out(pieces: Sequence[Piece]) -> tuple[str, list[AnswerSentence]]:
    """The answer's text with markers, and its sentences: document by document, as they were
    chosen, and within a document in its own order."""
    chosen = list(dict.fromkeys(_document(piece) for piece in pieces))
    ordered = sorted(
        pieces,
        key=lambda piece: (
            chosen.index(_document(piece)),
            piece.passage.span.start,
            piece.number,
            piece.start,
        ),
    )
    sentences = list(_sentences(ordered))
    text = ""
    for place, (piece, sentence) in enumerate(zip(ordered, sentences, strict=True)):
        after = ordered[place + 1] if place + 1 < len(ordered) else None
        text += sentence.text + _behind(piece, after)
    return text, sentences


def _document(piece: Piece) -> tuple[str, str]:
    return piece.passage.index, piece.passage.document.id


def _sentences(ordered: Sequence[Piece]) -> Iterator[AnswerSentence]:
    quoted: dict[int, frozenset[tuple[int, int]]] = {}
    for piece in ordered:
        before = quoted.get(piece.number, frozenset())
        spans = piece.quotes(but=before)
        quoted[piece.number] = before | set(spans)
        from_ = piece.passage.span.start
        quotes = [Span(start=from_ + a, end=from_ + b) for a, b in spans]
        yield AnswerSentence(
            text="\n".join(piece.passage.text[a:b] for a, b in spans),
            citations=(Citation.of(piece.number, piece.passage, quotes),),
            supported=True,
        )


def _behind(piece: Piece, after: Piece | None) -> str:
    """A piece's marker, and what separates it from the next piece."""
    together = after is not None and (after.number, after.block) == (piece.number, piece.block)
    if together and piece.kind is Kind.ROW:
        return "\n"  # A marker between its rows would end the table.
    last_line = piece.text.rsplit("\n", 1)[-1].lstrip()
    marker = ("\n\n" if last_line.startswith(_OWN_LINE) else " ") + f"[{piece.number}]"
    if after is None:
        return marker
    if piece.kind is after.kind is Kind.SENTENCE and _document(piece) == _document(after):
        return f"{marker} "
    return f"{marker}\n" if together and piece.kind in LISTED else f"{marker}\n\n"
