"""The articles of an Intercom help centre (Intercom's "REST API reference", Articles)."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chunkers.document import Content, ContentType
from indexers.errors import DocumentError, SourceError
from indexers.sources.articles import (
    Article,
    Found,
    exported,
    is_blank,
    items,
    listed,
    name_of,
    read_from,
    text_of,
)
from indexers.sources.base import Entry, Listed, Skipped, Unreadable
from indexers.sources.json_api import JsonApi, JsonObject, Patience, check_base_url, token

API_VERSION = "2.14"
"""Sent with every request: without it, the version is whatever the token's app is set to."""

# A page holds every translation of its articles.
_PER_PAGE = {"per_page": "50"}
_DEEPEST = 20

_Collections = Mapping[str, JsonObject]


@dataclass(frozen=True, kw_only=True)
class IntercomSource:
    """The published articles of a workspace's help centres, or of an `export` file.

    The environment variable `token_env` holds an access token; `base_url` is that of the
    workspace's region. An article is a document for each of the `locales` that it is published
    in, and without those for each of its own; its id is `<article's id>/<locale>`. Where there is
    one language, Intercom does not say which: it is taken for the only one in `locales`, and
    without that the document has no locale and the article's id. Drafts and empty articles are
    left out.

    An `export` holds a page of the API's JSON, or a list of pages: of articles and, for their
    names, of collections.

    The metadata are `collections`: the names, in the article's language, of the collection that
    it is in and of those around that, outermost first.
    """

    content_type: ContentType
    base_url: str = "https://api.intercom.io"
    token_env: str = "INTERCOM_TOKEN"
    locales: tuple[str, ...] = ()
    export: Path | None = None
    timeout_s: float = field(default=30.0, compare=False)
    max_wait_s: float = field(default=300.0, compare=False)
    backoff_s: float = field(default=1.0, compare=False)

    def __post_init__(self) -> None:
        if self.content_type is not ContentType.ARTICLE:
            raise ValueError(f"Intercom holds content of type article, not {self.content_type}")
        check_base_url(self.base_url)
        for locale in self.locales:
            if not name_of(locale):
                raise ValueError(f"{locale!r} is no locale; they are like 'pt-BR'")
        self._patience()

    def list(self, known: Mapping[str, str]) -> Iterator[Listed]:
        """The articles, the latest change first; see `Source.list`."""
        return listed(self._found(), known)

    def read(self, entry: Entry) -> Content:
        """The article as it is now; see `Source.read`."""
        found = self._one(entry.id) if self.export is None else self._found()
        return read_from(found, entry)

    def _found(self) -> Iterator[Found]:
        if self.export is not None:
            pages = tuple(exported(self.export, _following))
            articles = [page for page in pages if not _of_collections(page)]
            yield from self._articles(articles, _collections(filter(_of_collections, pages)))
            return
        with closing(self._api()) as api:
            collections = _listed_collections(api)
            yield from self._articles(api.pages("/articles", _PER_PAGE, _following), collections)

    def _one(self, id_: str) -> Iterator[Found]:
        with closing(self._api()) as api:
            page = {"data": [api.get(f"/articles/{id_.partition('/')[0]}")]}
            yield from self._articles([page], _listed_collections(api))

    def _articles(self, pages: Iterable[JsonObject], collections: _Collections) -> Iterator[Found]:
        for item in items(pages, "data", "total_count"):
            if isinstance(item, Unreadable):
                yield item
            else:
                yield from self._translations(item, collections)

    def _translations(self, item: JsonObject, collections: _Collections) -> Iterator[Found]:
        """The documents of an article, its default language's first."""
        default, others = item.get("default_locale"), item.get("translated_content") or {}
        if not isinstance(others, dict) or not (default is None or name_of(default)):
            reason = f"article {item['id']} does not say which languages it has"
            yield Unreadable(where=f"articles: {item['id']}", reason=reason, hides_id=True)
            return
        only = self.locales[0] if len(self.locales) == 1 else None
        own = default or only
        # Where there are several, the default language may be among them once more.
        contents = {own: item} | {
            locale: content
            for locale, content in others.items()
            if locale not in ("type", own) and content is not None
        }
        for locale, content in contents.items():
            if self._wants(locale):
                yield self._document(item, locale, content, collections)

    def _wants(self, locale: str | None) -> bool:
        wanted = {name.lower() for name in self.locales}
        return not wanted or locale is None or locale.lower() in wanted

    def _document(
        self, item: JsonObject, locale: str | None, content: Any, collections: _Collections
    ) -> Found:
        id_ = f"{item['id']}/{locale}" if locale else str(item["id"])
        try:
            if not isinstance(content, dict):
                raise DocumentError("its translation is not an object")
            if reason := _why_not(content):
                return Skipped(where=id_, reason=reason)
            return Article(
                id=id_,
                title=text_of(content, "title"),
                html=text_of(content, "body"),
                url=text_of(content, "url") if content.get("url") else None,
                locale=locale,
                updated_at=_iso(content.get("updated_at") or item.get("updated_at")),
                metadata=_metadata(item, locale, collections),
            )
        except DocumentError as exc:
            return Unreadable(where=id_, reason=str(exc))

    def _api(self) -> JsonApi:
        headers = {
            "Authorization": f"Bearer {token(self.token_env)}",
            "Accept": "application/json",
            "Intercom-Version": API_VERSION,
        }
        advice = (
            f"{self.token_env} must hold an access token of the workspace that may read articles, "
            "and base_url be its region's"
        )
        return JsonApi(self.base_url, headers, self._patience(), advice)

    def _patience(self) -> Patience:
        return Patience(
            timeout_s=self.timeout_s, max_wait_s=self.max_wait_s, backoff_s=self.backoff_s
        )


def _following(page: JsonObject) -> str | Mapping[str, str] | None:
    """What follows a page: a link, a cursor, or a number (Intercom's "Pagination").

    The reference gives the list of articles a cursor in some versions and a link in others, and
    shows answers with the number of pages alone.
    """
    pages = page.get("pages") or {}
    if not isinstance(pages, dict):
        raise SourceError("a page of Intercom's does not say what follows it")
    after = pages.get("next")
    if isinstance(after, str):
        return after or None
    if isinstance(after, dict):
        cursor = {name: str(after[name]) for name in ("starting_after", "page") if after.get(name)}
        if not cursor:
            raise SourceError("a page of Intercom's says that more follow, but not where")
        return _PER_PAGE | dict(list(cursor.items())[:1])
    number, total = (str(pages.get(name)) for name in ("page", "total_pages"))  # Or text.
    if number.isdecimal() and total.isdecimal() and int(number) < int(total):
        return _PER_PAGE | {"page": str(int(number) + 1)}
    return None


def _why_not(content: JsonObject) -> str:
    """Why a translation is not to be indexed; empty where it is."""
    state = content.get("state")
    if state not in ("published", "draft"):
        raise DocumentError(f"field state must be published or draft, not {state!r}")
    if state == "draft":
        return "a draft"
    return "its body is empty" if is_blank(content, "body") else ""


def _iso(seconds: object) -> str:
    """A time of the API's, in seconds of the epoch, as a date-time of ISO 8601 in UTC."""
    try:
        if isinstance(seconds, int):
            return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError) as exc:
        raise DocumentError(f"field updated_at is no time: {seconds}") from exc
    raise DocumentError("field updated_at must be a whole number of seconds")


def _of_collections(page: JsonObject) -> bool:
    data = page.get("data")
    first = data[0] if isinstance(data, list) and data else None
    return isinstance(first, dict) and "name" in first and "title" not in first


def _listed_collections(api: JsonApi) -> _Collections:
    return _collections(api.pages("/help_center/collections", _PER_PAGE, _following))


def _collections(pages: Iterable[JsonObject]) -> _Collections:
    found = items(pages, "data", "total_count")
    return {str(item["id"]): item for item in found if not isinstance(item, Unreadable)}


def _metadata(item: JsonObject, locale: str | None, collections: _Collections) -> Mapping[str, Any]:
    names: list[str] = []
    inner = collections.get(str(item.get("parent_id")))
    while inner is not None and len(names) < _DEEPEST:
        names.insert(0, _name(inner, locale))
        inner = collections.get(str(inner.get("parent_id")))
    return {"collections": names} if names else {}


def _name(collection: JsonObject, locale: str | None) -> str:
    translated = collection.get("translated_content") or {}
    content = translated.get(locale) if isinstance(translated, dict) else None
    name = content.get("name") if isinstance(content, dict) else None
    return str(name or collection.get("name") or collection["id"])
