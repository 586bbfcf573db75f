"""Web pages: those of a sitemap, or a list of addresses."""

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath

import httpx

from chunkers.document import Content, ContentType, Format
from indexers.errors import DocumentError, SourceError
from indexers.sources.base import Entry, Listed, Skipped, Unreadable, revision_of
from indexers.sources.directory import FORMATS
from indexers.sources.network import host_and_port
from indexers.sources.page import Page
from indexers.sources.sitemap import Sitemaps, place_of
from indexers.sources.web import ForbiddenError, Limits, UnreachableError, Web, web_address

GIVE_UP_AFTER = 5
"""So many pages in a row that do not answer are the site's failure."""

_TYPES = {
    "text/html": Format.HTML,
    "application/xhtml+xml": Format.HTML,
    "text/markdown": Format.MARKDOWN,
    "text/plain": Format.TEXT,
    "application/pdf": Format.PDF,
    "application/json": Format.JSON,
}
_TEXTS = (Format.HTML, Format.MARKDOWN, Format.TEXT)
_GONE = (404, 410)

_REVISION = re.compile(r"([0-9a-f]{32})(?: etag:(.+)| modified:(.+))?")
_ETAG = re.compile(r'(?:W/)?"[!#-~]*"')  # RFC 9110, 8.8.3.
_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", re.ASCII)
# Those that the web has (the Encoding Standard), not whatever Python can decode.
_CHARSET = re.compile(
    r'charset="?((?:iso-8859-|windows-)\d+|us-ascii|koi8-[ru]|gb2312|gbk|gb18030|big5|euc-jp|'
    r'euc-kr|shift_jis|iso-2022-jp|utf-16(?:le|be)?)"?(?:\s*;|\s*$)',
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class HttpSource:
    """The pages that a `sitemap` lists, or those at `urls`; one of the two is given.

    A page's id is its address as it is listed. A sitemap may be gzipped, and may be an index of
    others; it can list pages of its own host and of `hosts` only. A page is read where its media
    type is one of the content type's. What robots.txt forbids or is not there any more (404, 410)
    is skipped. Hosts with a private address are refused apart from `allow_private_hosts`.

    A revision is a hash of what was read and, where the site gives one, the validator that asks
    for changes only (RFC 9110, 8.8): its ETag, else its Last-Modified.
    """

    content_type: ContentType
    sitemap: str | None = None
    urls: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    allow_private_hosts: tuple[str, ...] = field(default=(), compare=False)
    max_pages: int = field(default=10_000, compare=False)
    max_bytes: int = field(default=50 * 2**20, compare=False)
    requests_per_second: float = field(default=4.0, compare=False)
    timeout_s: float = field(default=30.0, compare=False)
    max_wait_s: float = field(default=120.0, compare=False)
    backoff_s: float = field(default=1.0, compare=False)

    def __post_init__(self) -> None:
        if bool(self.sitemap) == bool(self.urls):
            raise ValueError("either a sitemap or urls must be given")
        if self.max_pages <= 0:
            raise ValueError(f"max_pages must be above 0, not {self.max_pages}")
        for url in (self.sitemap, *self.urls):
            if url is not None:
                web_address(url)
        for host in (*self.hosts, *self.allow_private_hosts):
            host_and_port(host)
        self._limits()

    def list(self, known: Mapping[str, str]) -> Iterator[Listed]:
        """The pages in the sitemap's order; see `Source.list`.

        The whole sitemap is read before the first page. A page that cannot be fetched is
        unreadable, and what is known of it stays.
        """
        unanswered = 0
        with closing(self._web()) as web:
            for place in self._places(web):
                if not isinstance(place, httpx.URL):
                    yield place
                    continue
                try:
                    item, unanswered = self._listed(web, place, known), 0
                except ForbiddenError as exc:
                    item = Skipped(where=str(place), reason=str(exc))
                except DocumentError as exc:
                    unanswered = unanswered + 1 if isinstance(exc, UnreachableError) else 0
                    if unanswered == GIVE_UP_AFTER:
                        said = f"{unanswered} pages in a row did not answer, the last one"
                        raise SourceError(f"{said} {place}: {exc}") from exc
                    item = Unreadable(where=str(place), reason=str(exc))
                yield item

    def read(self, entry: Entry) -> Content:
        """The page as it is now; see `Source.read`."""
        with closing(self._web()) as web:
            page = web.get(web_address(entry.id), types=self._types())
        if page.status in _GONE:
            raise DocumentError("is no longer there")
        content = self._content(entry.id, page)
        if not _same(entry.revision, content.revision):
            raise DocumentError("changed while it was being indexed; the next run takes it up")
        return replace(content, revision=entry.revision)

    def _web(self) -> Web:
        return Web(self._limits(), self.allow_private_hosts)

    def _limits(self) -> Limits:
        return Limits(
            timeout_s=self.timeout_s,
            max_wait_s=self.max_wait_s,
            backoff_s=self.backoff_s,
            requests_per_second=self.requests_per_second,
            max_bytes=self.max_bytes,
        )

    def _types(self) -> tuple[str, ...]:
        readable = FORMATS[self.content_type].values()
        return tuple(name for name, format_ in _TYPES.items() if format_ in readable)

    def _places(self, web: Web) -> Iterator[httpx.URL | Listed]:
        """Each place once: the address of a page, or why there is none."""
        sitemaps = None if self.sitemap is None else Sitemaps(web, self.sitemap, self.hosts)
        found: dict[str, httpx.URL | Listed] = {}
        for location in self.urls if sitemaps is None else sitemaps.locations():
            place = place_of(location, None if sitemaps is None else sitemaps.hosts)
            found.setdefault(str(place) if isinstance(place, httpx.URL) else place.where, place)
            if len(found) > self.max_pages:
                most = f"more than {self.max_pages} pages; max_pages may allow them"
                raise SourceError(f"{self.sitemap or 'urls'}: {most}")
        yield from found.values()

    def _listed(self, web: Web, url: httpx.URL, known: Mapping[str, str]) -> Listed:
        id_ = str(url)
        before = known.get(id_, "")
        page = web.get(url, headers=_conditions(before), types=self._types())
        if page.status == httpx.codes.NOT_MODIFIED and before:
            return Entry(id=id_, revision=before, where=id_)
        if page.status in _GONE:
            return Skipped(where=id_, reason=f"{page.answer}: it is not there any more")
        if page.status == httpx.codes.OK and page.media_type not in self._types():
            valid = ", ".join(self._types())
            given = page.media_type or "without a Content-Type"
            return Skipped(where=id_, reason=f"{given}, not of type {valid}")
        content = self._content(id_, page)
        if _same(before, content.revision):
            return Entry(id=id_, revision=before, where=id_)
        return Entry(id=id_, revision=content.revision, where=id_, content=content)

    def _content(self, id_: str, page: Page) -> Content:
        if page.status != httpx.codes.OK:
            raise DocumentError(page.answer)
        if page.media_type not in self._types():
            raise DocumentError(f"is of another type by now: {page.media_type or 'none'}")
        format_ = _TYPES[page.media_type]
        suffixes = FORMATS[self.content_type]
        suffix = PurePosixPath(httpx.URL(page.url).path).suffix.lower()
        if format_ is Format.TEXT and suffixes.get(suffix) is Format.MARKDOWN:
            format_ = Format.MARKDOWN  # Many servers know no other type for it.
        data = _utf8(page) if format_ in _TEXTS else page.body
        return Content(
            id=id_,
            content_type=self.content_type,
            format=format_,
            data=data,
            revision=_revision(page, f"{format_} {page.url}\n".encode() + data),
            url=page.url,
        )


def _utf8(page: Page) -> bytes:
    """A text's bytes in UTF-8, which its reader tries first: only the answer's head may say what
    else they are in."""
    charset = _CHARSET.search(page.headers.get("content-type", ""))
    try:
        page.body.decode()
        return page.body
    except UnicodeDecodeError:
        if charset is None:
            return page.body
    name = charset[1].lower()
    # What the Encoding Standard takes these two for.
    name = "windows-1252" if name in ("iso-8859-1", "us-ascii") else name
    try:
        return page.body.decode(name, errors="replace").encode()
    except LookupError:
        return page.body


def _revision(page: Page, data: bytes) -> str:
    digest = revision_of(data)
    etag, modified = page.headers.get("etag", ""), page.headers.get("last-modified", "")
    if _ETAG.fullmatch(etag):
        return f"{digest} etag:{etag}"
    return f"{digest} modified:{modified}" if _settled(page.headers) else digest


def _settled(headers: httpx.Headers) -> bool:
    """Whether no later version can have the same Last-Modified, in whole seconds (RFC 9110,
    8.8.2.2)."""
    modified, now = headers.get("last-modified", ""), headers.get("date", "")
    if not (_DATE.fullmatch(modified) and _DATE.fullmatch(now)):
        return False
    try:
        passed = parsedate_to_datetime(now) - parsedate_to_datetime(modified)
    except ValueError:
        return False
    return passed.total_seconds() >= 1


def _conditions(revision: str) -> dict[str, str]:
    """The headers that ask for a page only if it is not of a revision any more."""
    match = _REVISION.fullmatch(revision)
    if match is None or (match[2] is None and match[3] is None):
        return {}
    return {"If-None-Match": match[2]} if match[2] else {"If-Modified-Since": match[3]}


def _same(one: str, other: str) -> bool:
    """Whether two revisions have the same hash, or the same ETag."""
    first, second = _REVISION.fullmatch(one), _REVISION.fullmatch(other)
    if first is None or second is None:
        return False
    return first[1] == second[1] or (first[2] is not None and first[2] == second[2])
