"""The articles of a Zendesk help centre (Zendesk's "Help Center API", API version 2)."""

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
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

_Places = Mapping[tuple[str, str, str], JsonObject]
"""Sections and categories, by what they are, their id and their locale."""

_PLACES = ("sections", "categories")
_PAGE = {"page[size]": "100"}
# In the order of the help centre, moving an article would hide another one between two pages.
_BY_AGE = {"sort_by": "created_at", "sort_order": "asc"}


@dataclass(frozen=True, kw_only=True)
class ZendeskSource:
    """The published articles of the help centre at `base_url`, or in an `export` file.

    With an `email`, the environment variable `token_env` holds an API token of that user; without
    one, an OAuth access token. An article is a document for each of the `locales`, and without
    those for each that the help centre has; its id is `<article's id>/<locale>`. Drafts and empty
    articles are left out, `restricted` ones (only some users may see them) unless it says
    otherwise, and translations that are marked as `outdated` where it says so.

    An `export` holds a page of the API's JSON, or a list of pages: the articles of any number of
    locales and, for their names, the sections and categories.

    The metadata are `section`, `category` (their names in the article's language), `labels`, and
    `outdated` (true) where the translation is marked so.
    """

    content_type: ContentType
    base_url: str = ""
    email: str = ""
    token_env: str = "ZENDESK_TOKEN"
    locales: tuple[str, ...] = ()
    restricted: bool = False
    outdated: bool = True
    export: Path | None = None
    timeout_s: float = field(default=30.0, compare=False)
    max_wait_s: float = field(default=300.0, compare=False)
    backoff_s: float = field(default=1.0, compare=False)

    def __post_init__(self) -> None:
        if self.content_type is not ContentType.ARTICLE:
            raise ValueError(f"Zendesk holds content of type article, not {self.content_type}")
        if (self.export is None) == (not self.base_url):
            raise ValueError("give either base_url or export")
        if self.base_url:
            check_base_url(self.base_url)
        for locale in self.locales:
            if not name_of(locale):
                raise ValueError(f"{locale!r} is no locale; they are like 'en-us'")
        self._patience()

    def list(self, known: Mapping[str, str]) -> Iterator[Listed]:
        """The articles by locale, in order of their creation; see `Source.list`."""
        return listed(self._found(), known)

    def read(self, entry: Entry) -> Content:
        """The article as it is now; see `Source.read`."""
        found = self._one(entry.id) if self.export is None else self._found()
        return read_from(found, entry)

    def _found(self) -> Iterator[Found]:
        if self.export is not None:
            pages = tuple(exported(self.export, _following))
            places = _places(lambda kind: [page for page in pages if kind in page])
            articles = [page for page in pages if "articles" in page or not _holds_places(page)]
            yield from self._articles(articles, places)
            return
        with closing(self._api()) as api:
            for locale in self.locales or _locales(api):
                places = _listed_places(api, locale)
                path = f"/api/v2/help_center/{locale}/articles.json"
                listing = api.pages(path, _PAGE | _BY_AGE, _following)
                yield from self._articles(listing, places)

    def _one(self, id_: str) -> Iterator[Found]:
        number, _, locale = id_.partition("/")
        with closing(self._api()) as api:
            found = api.get(f"/api/v2/help_center/{locale}/articles/{number}.json")
            page = {"articles": [found.get("article")]}
            yield from self._articles([page], _listed_places(api, locale))

    def _articles(self, pages: Iterable[JsonObject], places: _Places) -> Iterator[Found]:
        wanted = {locale.lower() for locale in self.locales}
        for item in items(pages, "articles", "count"):
            if isinstance(item, Unreadable):
                yield item
            elif not (locale := name_of(item.get("locale"))):
                reason = f"article {item['id']} has no locale"
                yield Unreadable(where=f"articles: {item['id']}", reason=reason, hides_id=True)
            elif not wanted or locale.lower() in wanted:
                yield self._article(item, locale, places)

    def _article(self, item: JsonObject, locale: str, places: _Places) -> Found:
        id_ = f"{item['id']}/{locale}"
        try:
            if reason := self._why_not(item):
                return Skipped(where=id_, reason=reason)
            return Article(
                id=id_,
                title=text_of(item, "title"),
                html=text_of(item, "body"),
                url=text_of(item, "html_url"),
                locale=locale,
                updated_at=text_of(item, "updated_at"),
                metadata=_metadata(item, places),
            )
        except DocumentError as exc:
            return Unreadable(where=id_, reason=str(exc))

    def _why_not(self, item: JsonObject) -> str:
        """Why an article is not to be indexed; empty where it is."""
        if not isinstance(item.get("draft"), bool):
            raise DocumentError("field draft must be true or false")
        if item["draft"]:
            return "a draft"
        if _restricted(item) and not self.restricted:
            return "only some users may see it (it has a user segment)"
        if _outdated(item) and not self.outdated:
            return "its translation is marked as outdated"
        return "its body is empty" if is_blank(item, "body") else ""

    def _api(self) -> JsonApi:
        secret = token(self.token_env)
        user = b64encode(f"{self.email}/token:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {user}" if self.email else f"Bearer {secret}"}
        whose = f"an API token of {self.email}" if self.email else "an OAuth access token"
        advice = f"{self.token_env} must hold {whose} that may read the help centre"
        return JsonApi(self.base_url, headers, self._patience(), advice)

    def _patience(self) -> Patience:
        return Patience(
            timeout_s=self.timeout_s, max_wait_s=self.max_wait_s, backoff_s=self.backoff_s
        )


def _following(page: JsonObject) -> str | None:
    """The link to the next page, by cursor or by offset (Zendesk's "Pagination")."""
    if "meta" in page:
        more = page["meta"].get("has_more") if isinstance(page["meta"], dict) else None
        if more is False:  # There is a link all the same.
            return None
        link = page["links"].get("next") if isinstance(page.get("links"), dict) else None
    elif (link := page.get("next_page", "")) is None:
        return None
    if not (isinstance(link, str) and link):
        raise SourceError("a page of Zendesk's says neither that it is the last nor what follows")
    return link


def _locales(api: JsonApi) -> Iterator[str]:
    """The help centre's locales ("List enabled locales and default locale")."""
    found = api.get("/api/v2/help_center/locales.json").get("locales")
    if not isinstance(found, list) or not all(map(name_of, found)):
        raise SourceError("Zendesk does not name the help centre's locales; name them in locales")
    return iter(found)


def _listed_places(api: JsonApi, locale: str) -> _Places:
    def pages(kind: str) -> Iterator[JsonObject]:
        return api.pages(f"/api/v2/help_center/{locale}/{kind}.json", _PAGE, _following)

    return _places(pages)


def _places(pages: Callable[[str], Iterable[JsonObject]]) -> _Places:
    return {
        (kind, str(item["id"]), str(item.get("locale"))): item
        for kind in _PLACES
        for item in items(pages(kind), kind, "count")
        if not isinstance(item, Unreadable)
    }


def _holds_places(page: JsonObject) -> bool:
    return any(kind in page for kind in _PLACES)


def _metadata(item: JsonObject, places: _Places) -> dict[str, Any]:
    locale = str(item["locale"])
    section = places.get(("sections", str(item.get("section_id")), locale), {})
    category = places.get(("categories", str(section.get("category_id")), locale), {})
    labels = item["label_names"] if isinstance(item.get("label_names"), list) else ()
    found = {
        "section": section.get("name"),
        "category": category.get("name"),
        "labels": sorted(label for label in labels if isinstance(label, str)),
        "outdated": _outdated(item),
    }
    return {name: value for name, value in found.items() if value}


def _restricted(item: JsonObject) -> bool:
    """Whether not everyone may see an article. What does not say so is not taken for public."""
    if not {"user_segment_id", "user_segment_ids"} & set(item):
        raise DocumentError("field user_segment_id is missing, so it may not be public")
    return item.get("user_segment_id") is not None or bool(item.get("user_segment_ids"))


def _outdated(item: JsonObject) -> bool:
    """Whether the translation is marked as outdated; the field `outdated` is always false."""
    marked = item.get("outdated_locales")
    return isinstance(marked, list) and item["locale"] in marked
