"""What the sources of help-centre articles share: their exports, listings and documents."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chunkers.document import Content, ContentType, Format
from indexers.errors import DocumentError, SourceError
from indexers.sources.base import Entry, Listed, Skipped, Unreadable, revision_of
from indexers.sources.json_api import Following, JsonObject, parsed

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def exported(path: Path, following: Following) -> Iterator[JsonObject]:
    """The pages in an export file: one JSON object of the API's, or a list of them.

    Raises:
        SourceError: it cannot be read, or its last page says that more follow.
    """
    try:
        found = parsed(path.read_bytes(), str(path))
    except OSError as exc:
        raise SourceError(f"{path}: {exc.strerror or exc}") from exc
    pages = found if isinstance(found, list) else [found]
    if not pages or not all(isinstance(page, dict) for page in pages):
        raise SourceError(f"{path}: neither a page of the API (a JSON object) nor a list of them")
    if following(pages[-1]) is not None:
        raise SourceError(f"{path}: its last page says that more follow; export them all")
    return iter(pages)


@dataclass(frozen=True, kw_only=True)
class Article:
    """An article in one language: the fields of the JSON that the article reader takes."""

    id: str
    title: str
    html: str
    url: str | None
    locale: str | None
    updated_at: str
    metadata: Mapping[str, Any]

    def content(self) -> Content:
        """The article as JSON; its revision is a hash of all of it, its section's name too."""
        text = json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)
        data = text.encode(errors="replace")  # JSON can spell halves of surrogate pairs.
        return Content(
            id=self.id,
            content_type=ContentType.ARTICLE,
            format=Format.JSON,
            data=data,
            revision=revision_of(data),
        )


Found = Article | Unreadable | Skipped
"""What a help centre holds; where the id is known, `where` is the id."""


def items(pages: Iterable[JsonObject], key: str, total: str) -> Iterator[JsonObject | Unreadable]:
    """The objects with an `id` in the lists under `key` of pages.

    A listing that shifts while its pages are read may show an object twice and pass over another:
    fewer objects than a page counts under `total` are told at the end, by what hides an id.

    Raises:
        SourceError: a page has no such list.
    """
    seen: set[tuple[str, str]] = set()
    counted = 0
    for number, page in enumerate(pages, start=1):
        if not isinstance(page.get(key), list):
            raise SourceError(f"page {number} of the API's answer has no list '{key}'")
        count = page.get(total)
        counted = max(counted, count if isinstance(count, int) else 0)
        for position, item in enumerate(page[key], start=1):
            if isinstance(item, dict) and name_of(item.get("id")):
                seen.add((str(item["id"]), str(item.get("locale"))))
                yield item
            else:
                where = f"{key}: page {number}, item {position}"
                yield Unreadable(where=where, reason="not an object with an 'id'", hides_id=True)
    if len(seen) < counted:
        reason = f"{counted} were counted and {len(seen)} listed; did some change meanwhile?"
        yield Unreadable(where=key, reason=reason, hides_id=True)


def name_of(value: object) -> str:
    """An id or a locale as text; empty where it is none, or has no place in an address."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if _NAME.fullmatch(text) else ""


def text_of(item: JsonObject, field: str) -> str:
    """A field that has to be text.

    Raises:
        DocumentError: it is not.
    """
    value = item.get(field)
    if not isinstance(value, str):
        raise DocumentError(f"field {field} must be text, not {type(value).__name__}")
    return value


def is_blank(item: JsonObject, field: str) -> bool:
    """Whether a field is there and holds nothing."""
    return field in item and (item[field] is None or not str(item[field]).strip())


def listed(found: Iterable[Found], known: Mapping[str, str]) -> Iterator[Listed]:
    """What a source lists: each article once, with its content unless its revision is known."""
    seen: set[str] = set()
    for item in found:
        if not isinstance(item, Article):
            yield item
        elif item.id not in seen:
            seen.add(item.id)
            content = item.content()
            revision = content.revision
            fresh = content if known.get(item.id) != revision else None
            yield Entry(id=item.id, revision=revision, where=item.id, content=fresh)


def read_from(found: Iterable[Found], entry: Entry) -> Content:
    """The content of a listed article among what is there now.

    Raises:
        DocumentError: it is not there any more, or not as it was listed.
    """
    try:
        for item in found:
            if not isinstance(item, Article):
                if item.where == entry.id:
                    raise DocumentError(item.reason)
            elif item.id == entry.id:
                return _unchanged(item.content(), entry)
    except SourceError as exc:
        raise DocumentError(str(exc)) from exc
    raise DocumentError("is no longer there")


def _unchanged(content: Content, entry: Entry) -> Content:
    if content.revision != entry.revision:
        raise DocumentError("changed while it was being indexed; the next run takes it up")
    return content
