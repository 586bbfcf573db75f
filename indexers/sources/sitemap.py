"""What a sitemap lists, with those that it names (sitemaps.org, "Sitemaps XML format")."""

import io
from collections.abc import Iterator

import httpx
from lxml import etree

from indexers.errors import DocumentError, SourceError
from indexers.sources.base import Listed, Skipped, Unreadable
from indexers.sources.page import gunzip
from indexers.sources.web import Web, web_address, without_password

MAX_SITEMAPS = 1_000
MAX_SITEMAP_BYTES = 52_428_800  # The protocol's own limit, decompressed.


class Sitemaps:
    """A sitemap with those that it names, and the `hosts` whose pages they may list: its own, the
    one that it moved to, and those that are named. They are known at the first location."""

    def __init__(self, web: Web, start: str, hosts: tuple[str, ...]) -> None:
        self._web = web
        self._start = web_address(start)
        self.hosts = {_host(self._start), *(_host(httpx.URL(f"//{host}")) for host in hosts)}

    def locations(self) -> Iterator[str]:
        """What they list, in order.

        Raises:
            SourceError: one of them cannot be read, or is not a sitemap of these hosts.
        """
        waiting, seen = [self._start], {self._start}
        while waiting:
            url = waiting.pop()
            try:
                is_index, locations = self._read(url)
                if not is_index:
                    yield from locations
                    continue
                nested = [web_address(location) for location in locations]
            except (DocumentError, ValueError) as exc:
                raise SourceError(f"the sitemap {url}: {exc}") from exc
            fresh = [one for one in dict.fromkeys(nested) if one not in seen]
            seen.update(fresh)
            waiting += reversed(fresh)
            other = next((one for one in fresh if _host(one) not in self.hosts), None)
            if other is not None:
                advice = f"name {_host(other)} in hosts"
                raise SourceError(f"the sitemap {url} names one on another host, {other}; {advice}")
            if len(seen) > MAX_SITEMAPS:
                raise SourceError(f"the sitemap {self._start}: more than {MAX_SITEMAPS} sitemaps")

    def _read(self, url: httpx.URL) -> tuple[bool, tuple[str, ...]]:
        page = self._web.get(url, max_bytes=MAX_SITEMAP_BYTES)
        if page.status != httpx.codes.OK:
            raise DocumentError(page.answer)
        if url == self._start:
            self.hosts.add(_host(httpx.URL(page.url)))  # Such as www.
        data = page.body
        if data.startswith(b"\x1f\x8b"):
            data = gunzip(data, MAX_SITEMAP_BYTES)
        return _parsed(data)


def _parsed(data: bytes) -> tuple[bool, tuple[str, ...]]:
    """Whether a sitemap is an index, and the locations in it.

    Raises:
        DocumentError: it is not a sitemap.
    """
    found = []
    events = etree.iterparse(
        io.BytesIO(data),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for _, element in events:
            name = etree.QName(element).localname
            parent = element.getparent()
            around = "" if parent is None else etree.QName(parent).localname
            if name == "loc" and around in ("url", "sitemap"):  # An image has a loc too.
                found.append((element.text or "").strip())
            elif name in ("url", "sitemap"):
                element.clear()
    except etree.LxmlError as exc:
        raise DocumentError(f"not XML: {exc}") from exc
    kind = etree.QName(events.root).localname
    if kind not in ("urlset", "sitemapindex"):
        raise DocumentError(f"neither a urlset nor a sitemapindex, but {kind!r}")
    if events.root.getroottree().docinfo.internalDTD is not None:
        raise DocumentError("has a document type, which may hide what it lists in entities")
    return kind == "sitemapindex", tuple(found)


def place_of(location: str, hosts: set[str] | None) -> httpx.URL | Listed:
    """The address of a page, or why there is none: it is no address, or not on one of `hosts` where
    those are given."""
    try:
        url = web_address(location)
    except ValueError as exc:
        return Unreadable(where=without_password(location), reason=str(exc), hides_id=True)
    if hosts is not None and _host(url) not in hosts:
        return Skipped(where=str(url), reason="not on the sitemap's host, nor on one of hosts")
    return url


def _host(url: httpx.URL) -> str:
    return url.netloc.decode("ascii")
