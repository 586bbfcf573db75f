"""Help centres on loopback that speak the real APIs' formats, and fail the ways that those do."""

import json
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

EMAIL, TOKEN = "indexer@example.com", "s3cret-t0ken"

Record = dict[str, Any]
Query = Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """A response. `silent` never comes; `drip` comes by the byte, a pause after each."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    silent: bool = False
    drip: float = 0.0


@dataclass(frozen=True)
class Request:
    """What a server was asked, when, by its own monotonic clock."""

    path: str
    query: Query
    headers: Mapping[str, str]
    at: float


@dataclass(kw_only=True)
class Server:
    """A server that answers in turn what it was told; then whatever `respond` says.

    `broken` is a piece of a path with its query (unquoted) that is always answered by a 500.
    """

    script: list[Answer] = field(default_factory=list)
    broken: str = ""
    seen: list[Request] = field(default_factory=list)
    url: str = ""
    stopping: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: Request) -> Answer:
        self.seen.append(request)
        if self.script:
            return self.script.pop(0)
        asked = "&".join(f"{name}={value}" for name, value in request.query.items())
        if self.broken and self.broken in f"{request.path}?{asked}":
            return Answer(status=500, body={"error": "InternalError"})
        return self.respond(request)

    def respond(self, request: Request) -> Answer:
        return Answer({"path": request.path, "query": dict(request.query)})

    def paths(self) -> list[str]:
        """The paths it was asked for, in order."""
        return [request.path for request in self.seen]

    def pauses(self) -> list[float]:
        """The seconds between one request and the next."""
        times = [request.at for request in self.seen]
        return [later - earlier for earlier, later in pairwise(times)]


ServerT = TypeVar("ServerT", bound=Server)


class _Http(ThreadingHTTPServer):
    daemon_threads = False  # So that closing waits for them, and no socket is left.

    def __init__(self, served: Server) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.served = served


class _Handler(BaseHTTPRequestHandler):
    server: _Http

    def do_GET(self) -> None:
        served, parts = self.server.served, urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        answer = served.answer(Request(parts.path, query, dict(self.headers), time.monotonic()))
        if answer.silent:
            served.stopping.wait()
            return
        try:
            self._send(answer)
        except ConnectionError:
            return  # The client has had enough.

    def _send(self, answer: Answer) -> None:
        plain = isinstance(answer.body, bytes)
        body = answer.body if plain else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        for start in range(0, len(body), 1) if answer.drip else ():
            self.wfile.write(body[start : start + 1])
            if self.server.served.stopping.wait(answer.drip):
                return
        if not answer.drip:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(server: ServerT) -> Iterator[ServerT]:
    """Serve on a free port of loopback during the block; `url` says where."""
    http = _Http(server)
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        http.shutdown()
        thread.join()
        http.server_close()


@dataclass(kw_only=True)
class Zendesk(Server):
    """A help centre of Zendesk's: pages by cursor, or by offset where it says so."""

    articles: list[Record] = field(default_factory=list)
    sections: list[Record] = field(default_factory=list)
    categories: list[Record] = field(default_factory=list)
    locales: Sequence[str] = ("en-us", "fr")
    by_offset: bool = False
    page_size: int = 100

    def respond(self, request: Request) -> Answer:
        basic = b64encode(f"{EMAIL}/token:{TOKEN}".encode()).decode()
        if request.headers.get("Authorization") not in (f"Basic {basic}", f"Bearer {TOKEN}"):
            return Answer({"error": "Couldn't authenticate you"}, 401)
        place = request.path.removeprefix("/api/v2/help_center/").removesuffix(".json").split("/")
        match place:
            case ["locales"]:
                return Answer({"locales": self.locales, "default_locale": self.locales[0]})
            case [locale, ("articles" | "sections" | "categories") as kind] if (
                locale in self.locales
            ):
                listed = [item for item in getattr(self, kind) if item["locale"] == locale]
                return Answer(self._page(request, kind, listed))
            case [locale, "articles", number]:
                return self._show(locale, number)
        return _ZENDESK_404

    def _show(self, locale: str, number: str) -> Answer:
        key = (locale, number)
        found = [a for a in self.articles if (a.get("locale"), str(a.get("id"))) == key]
        return Answer({"article": found[0]}) if found else _ZENDESK_404

    def _page(self, request: Request, kind: str, listed: list[Record]) -> Record:
        size = min(self.page_size, int(request.query.get("page[size]", 30)))
        link = f"{self.url}{request.path}?"
        if self.by_offset:
            number = int(request.query.get("page", 1))
            last = -(-len(listed) // size)
            return {
                "count": len(listed),
                "next_page": f"{link}page={number + 1}" if number < last else None,
                "page": number,
                "page_count": last,
                "per_page": size,
                "previous_page": f"{link}page={number - 1}" if number > 1 else None,
                kind: listed[(number - 1) * size : number * size],
            }
        start = int(request.query.get("page[after]", "aWQ=0").removeprefix("aWQ="))
        end = start + size
        cursor = f"aWQ={end}"
        return {
            kind: listed[start:end],
            # There is a link on the last page, too.
            "links": {
                "first": f"{link}{urlencode({'page[size]': size})}",
                "last": f"{link}{urlencode({'page[size]': size, 'page[before]': cursor})}",
                "prev": None,
                "next": f"{link}{urlencode({**request.query, 'page[after]': cursor})}",
            },
            "meta": {"has_more": end < len(listed), "after_cursor": cursor, "before_cursor": None},
        }


_ZENDESK_404 = Answer({"error": "RecordNotFound", "description": "Not found"}, 404)


@dataclass(kw_only=True)
class Intercom(Server):
    """A workspace of Intercom's. `form` is how a page says what follows: `link`, `cursor`, or
    `number`, with the number of pages alone.
    """

    articles: list[Record] = field(default_factory=list)
    collections: list[Record] = field(default_factory=list)
    form: str = "link"
    page_size: int = 250

    def respond(self, request: Request) -> Answer:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _intercom_error(401, "unauthorized", "Access Token Invalid")
        match request.path.strip("/").split("/"):
            case ["articles"]:
                return Answer(self._page(request, self.articles))
            case ["help_center", "collections"]:
                return Answer(self._page(request, self.collections))
            case ["articles", number]:
                found = [item for item in self.articles if str(item.get("id")) == number]
                gone = _intercom_error(404, "not_found", "Resource Not Found")
                return Answer({**found[0], "statistics": {"views": 3}}) if found else gone
        return _intercom_error(404, "not_found", "Resource Not Found")

    def _page(self, request: Request, listed: list[Record]) -> Record:
        size = min(self.page_size, int(request.query.get("per_page", 25)))
        number = int(request.query.get("starting_after", request.query.get("page", 1)))
        last = max(1, -(-len(listed) // size))
        following = {
            "link": f"{self.url}{request.path}?page={number + 1}&per_page={size}",
            "cursor": {"per_page": size, "starting_after": str(number + 1)},
        }
        pages: Record = {"type": "pages", "page": number, "per_page": size, "total_pages": last}
        if number < last and self.form in following:
            pages["next"] = following[self.form]
        return {
            "type": "list",
            "data": listed[(number - 1) * size : number * size],
            "total_count": len(listed),
            "pages": pages,
        }


def _intercom_error(status: int, code: str, message: str) -> Answer:
    errors = [{"code": code, "message": message}]
    body = {"type": "error.list", "request_id": "b2a2f2c0", "errors": errors}
    return Answer(body, status)


def zendesk_article(id_: int, locale: str = "en-us", **more: Any) -> Record:
    """An article as Zendesk's API gives it, with every documented field."""
    return {
        "id": id_,
        "url": f"https://acme.zendesk.com/api/v2/help_center/{locale}/articles/{id_}.json",
        "html_url": f"https://acme.zendesk.com/hc/{locale}/articles/{id_}-How-to-{id_}",
        "author_id": 3465,
        "comments_disabled": False,
        "content_tag_ids": [],
        "created_at": "2026-01-05T08:00:00Z",
        "updated_at": "2026-03-01T09:30:00Z",
        "edited_at": "2026-02-28T17:12:45Z",
        "draft": False,
        "promoted": False,
        "position": 0,
        "vote_sum": 4,
        "vote_count": 6,
        "section_id": 71,
        "permission_group_id": 13,
        "user_segment_id": None,
        "user_segment_ids": [],
        "label_names": [],
        "locale": locale,
        "source_locale": "en-us",
        "outdated": False,
        "outdated_locales": [],
        "name": f"How to {id_}",
        "title": f"How to {id_}",
        "body": f"<h2>Step {id_}</h2><p>Open the settings and choose number {id_}.</p>",
        **more,
    }


def zendesk_place(id_: int, name: str, locale: str = "en-us", **more: Any) -> Record:
    """A section (with its `category_id`) or a category as Zendesk's API gives it."""
    return {
        "id": id_,
        "url": f"https://acme.zendesk.com/api/v2/help_center/{locale}/{id_}.json",
        "html_url": f"https://acme.zendesk.com/hc/{locale}/{id_}",
        "position": 0,
        "created_at": "2025-11-02T10:00:00Z",
        "updated_at": "2025-11-02T10:00:00Z",
        "name": name,
        "description": "",
        "locale": locale,
        "source_locale": "en-us",
        "outdated": False,
        **more,
    }


def intercom_content(id_: int, locale: str = "en", **more: Any) -> Record:
    """What Intercom's API gives of an article in one language."""
    return {
        "type": "article_content",
        "title": f"How to {id_}",
        "description": f"All about {id_}",
        "body": f'<p class="no-margin">Open the settings and choose number {id_}.</p>',
        "author_id": 991267497,
        "state": "published",
        "created_at": 1734537283,
        "updated_at": 1767348000,
        "url": f"https://help.acme.example/{locale}/articles/{id_}-how-to-{id_}",
        **more,
    }


def intercom_article(id_: int, locale: str | None = "en", **more: Any) -> Record:
    """An article as Intercom's API gives it; without a locale, of a help centre with one only."""
    multilingual = {} if locale is None else {"default_locale": locale, "translated_content": None}
    return {
        **intercom_content(id_, locale or "en"),
        **multilingual,
        "type": "article",
        "id": str(id_),
        "workspace_id": "hfi1bx4l",
        "parent_id": None,
        "parent_ids": [],
        "parent_type": None,
        **more,
    }


def intercom_collection(id_: int, name: str, **more: Any) -> Record:
    """A collection as Intercom's API gives it."""
    return {
        "id": str(id_),
        "workspace_id": "hfi1bx4l",
        "name": name,
        "description": None,
        "created_at": 1717021354,
        "updated_at": 1717021354,
        "url": f"https://help.acme.example/en/collections/{id_}",
        "icon": "book-bookmark",
        "order": 1,
        "default_locale": "en",
        "translated_content": None,
        "parent_id": None,
        "help_center_id": 91,
        **more,
    }
