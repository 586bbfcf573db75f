"""The heading path of every place in a document."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt

from chunkers.document import Block, BlockKind, Document

_ATX = re.compile(r"^\s{0,3}#{1,6}(?=\s)|(?<=\s)#+\s*$")
_SETEXT = re.compile(r"\n\s*(?:=+|-+)\s*$")
_ATTRIBUTES = re.compile(r"\s*\{[:#.][^{}]*\}\s*$")
_LOCALIZED = re.compile(r"\[!(?:UICONTROL|DNL)\s+([^\[\]]*)\]")
_INLINE = MarkdownIt("commonmark")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with the blocks down to the next heading, or the blocks before the first."""

    path: tuple[str, ...]
    blocks: tuple[Block, ...]


def plain_heading(source: str) -> str:
    """Return a heading's text without its marks: `## Set **up** {#setup}` is `Set up`."""
    line = _ATTRIBUTES.sub("", _SETEXT.sub("", source.strip()))
    return plain_inline(_ATX.sub("", line))


def plain_inline(source: str) -> str:
    """Return inline Markdown as the text a reader sees."""
    source = _LOCALIZED.sub(r"\1", source.strip())
    if source.isalnum():
        return source
    children = _INLINE.parseInline(source)[0].children or []
    words = [
        " " if child.type == "softbreak" else child.content
        for child in children
        if child.type in {"text", "text_special", "code_inline", "softbreak", "image"}
    ]
    return " ".join("".join(words).split())


def sections(document: Document) -> list[Section]:
    """Cut a document in front of every heading; a section's path ends with its own heading."""
    found: list[Section] = []
    open_headings: list[tuple[int, str]] = []
    blocks: list[Block] = []
    for block in document.blocks:
        if block.kind is BlockKind.HEADING:
            if blocks:
                found.append(Section(_path(open_headings, document.title), tuple(blocks)))
            open_headings = [item for item in open_headings if item[0] < block.level]
            label = plain_heading(document.text[block.start : block.end])
            open_headings.append((block.level, label))
            blocks = []
        blocks.append(block)
    if blocks:
        found.append(Section(_path(open_headings, document.title), tuple(blocks)))
    return found


def _path(open_headings: Sequence[tuple[int, str]], title: str) -> tuple[str, ...]:
    labels = [label for _, label in open_headings if label]
    # The context gives the title by itself; the first heading usually repeats it.
    return tuple(labels[1:] if labels and _same(labels[0], title) else labels)


def _same(left: str, right: str) -> bool:
    return " ".join(left.casefold().split()) == " ".join(right.casefold().split())


@dataclass(frozen=True, slots=True)
class Outline:
    """Looks up the heading path and the page at an offset."""

    starts: tuple[int, ...]
    paths: tuple[tuple[str, ...], ...]
    pages: tuple[int | None, ...]

    @classmethod
    def of(cls, parts: Sequence[Section]) -> "Outline":
        """Index every block of the sections by its start."""
        rows = [(block.start, part.path, block.page) for part in parts for block in part.blocks]
        return (
            cls(*(tuple(column) for column in zip(*rows, strict=True))) if rows else cls((), (), ())
        )

    def at(self, offset: int) -> tuple[tuple[str, ...], int | None]:
        """Return the heading path and the page of the block that holds the offset."""
        index = bisect_right(self.starts, offset) - 1
        return (self.paths[index], self.pages[index]) if index >= 0 else ((), None)
