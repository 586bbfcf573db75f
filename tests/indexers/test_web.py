"""What fetching bears with, what it refuses and how it behaves, against real servers."""

import gzip
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from indexers.errors import DocumentError
from indexers.sources.network import resolve
from indexers.sources.page import Page
from indexers.sources.web import ForbiddenError, Limits, UnreachableError, Web, web_address
from tests.indexers.web_site import QUICK, Answer, Site, moved, serving
from tests.indexers.web_site import site as site

Get = Callable[..., Page]


@contextmanager
def fetching(
    *allowed: str, resolving: Callable[[str], Sequence[str]] = resolve, **limits: Any
) -> Iterator[Get]:
    quick = {**QUICK, "requests_per_second": 1000.0, "max_bytes": 100_000, **limits}
    with closing(Web(Limits(**quick), allowed, resolving)) as web:
        yield lambda url, **more: web.get(web_address(url), **more)


@pytest.fixture
def get(site: Site) -> Iterator[Get]:
    with fetching(site.host) as made:
        yield made


def test_a_page_is_fetched_by_a_client_that_says_who_it_is(site: Site, get: Get) -> None:
    site.pages["/a%20b?q=%C3%BC"] = Answer("<p>Où ?".encode(), "Text/HTML; charset=utf-8")
    page = get(f"{site.url}/a b?q=ü#part")
    assert (page.status, page.media_type, page.body) == (200, "text/html", "<p>Où ?".encode())
    assert page.url == f"{site.url}/a%20b?q=%C3%BC"
    assert site.header("User-Agent") == ["Passages"]
    assert site.header("Host") == [site.host]
    assert site.header("Cookie") == [None]


def test_a_status_is_told(site: Site, get: Get) -> None:
    site.pages["/private"] = Answer(b"no", status=403)
    page = get(f"{site.url}/private")
    assert (page.status, page.answer, page.body) == (403, "403 Forbidden", b"")


def test_redirects_are_followed_and_checked(site: Site, get: Get) -> None:
    statuses = (301, 302, 303, 307, 308)
    for number, status in enumerate(statuses):
        site.pages[f"/{number}"] = moved(f"{number + 1}#part", status)
    site.pages["/5"] = Answer(b"here")
    site.pages["/many"] = moved("/0")
    page = get(f"{site.url}/0", headers={"If-None-Match": '"x"'})
    assert (page.url, page.body) == (f"{site.url}/5", b"here")
    assert set(site.header("If-None-Match")) == {'"x"'}
    with pytest.raises(DocumentError, match="redirects more than 5 times"):
        get(f"{site.url}/many")


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254, which is not public"),
        ("http://127.0.0.1:1/", "127.0.0.1, which is not public"),
        ("//localhost:1/", "localhost is at .*, which is not public; .* in allow_private_hosts"),
        ("http://2130706433/", "2130706433 is at 127.0.0.1"),
        ("http://0x7f.1/", "0x7f.1 is at 127.0.0.1"),
        ("http://[::1]/", "::1, which is not public"),
        ("http://[::ffff:10.0.0.1]/", "::ffff:10.0.0.1, which is not public"),
        ("http://0/", "0.0.0.0, which is not public"),
        ("file:///etc/passwd", "is not an http or https address"),
        ("ftp://127.0.0.1/", "is not an http or https address"),
        ("http://user:secret@example.com/", "'http://example.com/' is given with a user name"),
        ("http://a:99999/", "is not an http or https address"),
        ("http://a:b/", "redirects to what is no address: Invalid port"),
    ],
)
def test_a_redirect_out_of_bounds_is_refused(site: Site, get: Get, where: str, reason: str) -> None:
    site.pages["/a"] = moved(where)
    with pytest.raises(DocumentError, match=reason) as caught:
        get(f"{site.url}/a")
    assert "secret" not in str(caught.value)
    assert site.paths() == ["/a"]


def test_a_host_is_allowed_by_name_or_at_one_port(site: Site) -> None:
    site.pages["/a"] = Answer(b"here")
    for allowed in ("127.0.0.1", site.host):
        with fetching(allowed) as get:
            assert get(f"{site.url}/a").body == b"here"
    with fetching("127.0.0.1:1", "localhost") as get, pytest.raises(DocumentError):
        get(f"{site.url}/a")


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["192.0.78.24", "10.0.0.1"], ["fe80::1%lo"]], ids=str
)
def test_a_name_at_a_private_address_is_refused(site: Site, found: list[str]) -> None:
    refused = f"help.test is at {found[-1]}, which is not public"
    resolving = {"help.test": found}.__getitem__
    with fetching(resolving=resolving) as get, pytest.raises(DocumentError, match=refused):
        get(site.url.replace("127.0.0.1", "help.test"))
    assert not site.asked


def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(site: Site) -> None:
    """The second answer would lead elsewhere, where nobody listens."""
    asked = []

    def changing(host: str) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.9"]

    site.pages |= {"/robots.txt": Answer(), "/a": Answer(b"here")}
    named = site.host.replace("127.0.0.1", "help.test")
    with fetching("help.test", resolving=changing) as get:
        assert get(f"http://{named}/a").body == b"here"
        assert get(f"http://{named}/a").body == b"here"
    assert asked == ["help.test"]
    assert {one.headers["Host"] for one in site.asked} == {named}


def test_the_next_address_is_tried_where_one_does_not_answer(site: Site) -> None:
    site.pages["/a"] = Answer(b"here")
    with fetching("help.test", resolving=lambda host: ["127.0.0.9", "127.0.0.1"]) as get:
        assert get(f"{site.url.replace('127.0.0.1', 'help.test')}/a").body == b"here"


@pytest.mark.parametrize("host", ["no-such-host.invalid", f"{'a' * 64}.example"])
def test_a_host_that_is_not_known_is_named(host: str) -> None:
    with fetching(host) as get, pytest.raises(UnreachableError, match=r"the host .* is not known"):
        get(f"http://{host}/")


def certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """A file with the certificate of a host, and a server's context with it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    private.write_bytes(key.private_bytes(*plain, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context


def test_tls_is_held_to_the_host_s_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, context = certificate(tmp_path, "help.test")
    names: list[str | None] = []
    context.sni_callback = lambda socket, name, context: names.append(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with serving(context) as site:
        site.pages["/a"] = Answer(b"here")
        with fetching("help.test", "else.test", resolving=lambda host: ["127.0.0.1"]) as get:
            assert get(f"{site.url.replace('127.0.0.1', 'help.test')}/a").body == b"here"
            with pytest.raises(UnreachableError, match="CERTIFICATE_VERIFY_FAILED"):
                get(f"{site.url.replace('127.0.0.1', 'else.test')}/a")
    assert set(names) == {"help.test", "else.test"}
    assert {one.headers["Host"].partition(":")[0] for one in site.asked} == {"help.test"}


def test_failures_that_pass_are_waited_for(site: Site, get: Get) -> None:
    site.pages["/a"] = [Answer(status=502), Answer(b"half", cut=True), Answer(b"here")]
    assert get(f"{site.url}/a").body == b"here"
    assert site.paths() == ["/a"] * 3


def test_failures_that_stay_are_told(site: Site, get: Get) -> None:
    site.pages["/a"] = Answer(status=500)
    with pytest.raises(UnreachableError, match="500 Internal Server Error; given up at attempt 3"):
        get(f"{site.url}/a")
    assert site.paths() == ["/a"] * 3


def test_no_request_comes_before_the_seconds_asked_for_have_passed(site: Site, get: Get) -> None:
    site.pages["/a"] = [Answer(status=429, headers={"Retry-After": "1"}), Answer(b"here")]
    started = time.monotonic()
    assert get(f"{site.url}/a").body == b"here"
    assert 1 <= time.monotonic() - started < 3


def test_no_request_comes_before_the_date_asked_for(site: Site, get: Get) -> None:
    until = (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0)
    after = {"Retry-After": format_datetime(until, usegmt=True)}
    site.pages["/a"] = [Answer(status=503, headers=after), Answer(b"here")]
    assert get(f"{site.url}/a").body == b"here"
    assert until <= datetime.now(UTC) < until + timedelta(seconds=2)


def test_a_wait_that_is_too_long_is_not_waited_for(site: Site) -> None:
    site.pages["/a"] = [Answer(status=429, headers={"Retry-After": "3600"}), Answer(b"here")]
    with fetching(site.host, max_wait_s=0.5) as get:
        with pytest.raises(UnreachableError, match=r"429 .*; it asks to wait 3600 s; given up at"):
            get(f"{site.url}/a")
        assert len(site.asked) == 2
        given_up = time.monotonic()
        get(f"{site.url}/a")
        assert time.monotonic() - given_up > 0.45


def test_time_passes_between_requests(site: Site) -> None:
    started = time.monotonic()
    with fetching(site.host, requests_per_second=20.0) as get:
        for _ in range(3):
            get(f"{site.url}/a")
    assert time.monotonic() - started >= 3 / 20  # Four requests, with that for robots.txt.


def test_a_page_that_is_too_long_is_left_where_it_is(site: Site, get: Get) -> None:
    site.pages["/stated"] = Answer(b"x" * 100_001)
    site.pages["/endless"] = Answer(b"x" * 10_000, parts=10_000)
    site.pages["/right"] = Answer(b"x" * 100_000)
    for path in ("/stated", "/endless"):
        with pytest.raises(DocumentError, match="more than 100000 bytes"):
            get(f"{site.url}{path}")
    assert site.sent < 50_000_000
    assert len(get(f"{site.url}/right").body) == 100_000
    with pytest.raises(DocumentError, match="more than 99999 bytes"):
        get(f"{site.url}/right", max_bytes=99_999)


def test_a_page_is_decompressed_within_limits(site: Site, get: Get) -> None:
    for path, data, coding in [
        ("/good", gzip.compress(b"here"), "gzip"),
        ("/bomb", gzip.compress(b"0" * 50_000_000), "gzip"),
        ("/half", gzip.compress(b"here")[:-4], "gzip"),
        ("/none", b"here", "gzip"),
        ("/other", b"here", "br"),
        ("/twice", gzip.compress(gzip.compress(b"0" * 50_000_000)), "gzip, gzip"),
    ]:
        site.pages[path] = Answer(data, headers={"Content-Encoding": coding})
    assert get(f"{site.url}/good").body == b"here"
    for path, reason in {
        "/bomb": "more than 100000 bytes once it is decompressed",
        "/half": "not a whole gzip file",
        "/none": "not a whole gzip file",
        "/other": "compressed by 'br', which was not asked for",
        "/twice": "compressed by 'gzip, gzip', which was not asked for",
    }.items():
        with pytest.raises(DocumentError, match=reason):
            get(f"{site.url}{path}")


@pytest.mark.parametrize("slow", [False, True])
def test_an_answer_that_drips_in_is_stopped(site: Site, slow: bool) -> None:
    site.pages["/a"] = Answer(b"x", parts=1000, pause=0.05, slow=slow)
    with fetching(site.host, timeout_s=0.2) as get:
        started = time.monotonic()
        with pytest.raises(UnreachableError, match=r"no answer, or not all of it, within 0.2 s"):
            get(f"{site.url}/a")
        assert time.monotonic() - started < 3


def test_a_body_that_is_not_wanted_is_not_read(site: Site, get: Get) -> None:
    site.pages["/video"] = Answer(b"x" * 10_000, "video/mp4", parts=10_000)
    page = get(f"{site.url}/video", types=["text/html", "text/plain"])
    assert (page.status, page.media_type, page.body) == (200, "video/mp4", b"")
    assert site.header("Accept") == ["text/html, text/plain"]
    assert site.sent < 50_000_000


ROBOTS = b"""\xef\xbb\xbf# Rules
User-agent: *
Disallow: /

User-agent: Passages
Disallow: /private
Crawl-delay: 1
"""


def test_what_robots_forbid_is_not_asked_for(site: Site) -> None:
    site.pages |= {
        "/robots.txt": Answer(ROBOTS, "text/plain"),
        "/a": moved("/private/a"),
        "/b": Answer(b"here"),
    }
    with fetching(site.host, max_wait_s=0.1) as get:
        assert get(f"{site.url}/b").body == b"here"
        for path in ("/private/a", "/a"):
            with pytest.raises(ForbiddenError, match=f"{site.url}/robots.txt forbids /private/a"):
                get(f"{site.url}{path}")
    assert [one.path for one in site.asked] == ["/robots.txt", "/b", "/a"]


def test_the_delay_that_robots_ask_for_is_kept_to(site: Site, get: Get) -> None:
    site.pages["/robots.txt"] = Answer(ROBOTS, "text/plain")
    get(f"{site.url}/b")
    started = time.monotonic()
    get(f"{site.url}/b")
    assert time.monotonic() - started > 0.9


@pytest.mark.parametrize(("status", "allowed"), [(403, True), (410, True), (500, False)])
def test_a_site_without_robots_allows_everything_and_a_broken_one_nothing(
    site: Site, get: Get, status: int, allowed: bool
) -> None:
    site.pages |= {"/robots.txt": Answer(status=status), "/a": Answer(b"here")}
    if allowed:
        assert get(f"{site.url}/a").body == b"here"
        return
    for _ in range(2):
        with pytest.raises(UnreachableError, match=f"{site.url}/robots.txt: 500 Internal Server"):
            get(f"{site.url}/a")
    assert [one.path for one in site.asked] == ["/robots.txt"] * 3


def test_a_site_s_robots_are_its_own(site: Site) -> None:
    with serving() as other:
        other.pages["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /", "text/plain")
        site.pages["/a"] = moved(f"{other.url}/a")
        with fetching("127.0.0.1") as get, pytest.raises(ForbiddenError):
            get(f"{site.url}/a")
        assert other.paths() == []


@pytest.mark.parametrize("name", ["timeout_s", "requests_per_second", "max_bytes"])
def test_limits_are_above_zero(name: str) -> None:
    limits: dict[str, Any] = {**QUICK, "requests_per_second": 1.0, "max_bytes": 1, name: 0}
    with pytest.raises(ValueError, match=f"{name} must be above 0, not 0"):
        Limits(**limits)
