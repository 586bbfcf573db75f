"""Announcements of changes: who has signed them, and the job that they lead to."""

import base64
import hmac
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from indexers.catalog import CatalogFile
from indexers.errors import ConflictError, SignatureError
from indexers.jobs.hooks import check_signature
from indexers.jobs.job import JobRequest, JobState, Trigger
from indexers.jobs.service import Service
from indexers.upkeep import Hook
from tests.builders import FAQS, Site

SECRET = "a secret \u00e9"
BODY = b'{"event": "article.published", "id": 7}\n'
ENV = "PASSAGES_TEST_SECRET"

Headers = dict[str, str]


def digest(algorithm: str, message: bytes, secret: str = SECRET) -> bytes:
    return hmac.digest(secret.encode(), message, algorithm)


def passages(body: bytes = BODY, at: str | None = None, secret: str = SECRET) -> Headers:
    at = at if at is not None else str(int(time.time()))
    signature = digest("sha256", f"{at}.".encode() + body, secret).hex()
    return {"x-passages-timestamp": at, "x-passages-signature": f"sha256={signature}"}


def zendesk(body: bytes = BODY, at: str | None = None, secret: str = SECRET) -> Headers:
    at = at if at is not None else f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    signature = base64.b64encode(digest("sha256", at.encode() + body, secret)).decode()
    return {
        "x-zendesk-webhook-signature-timestamp": at,
        "x-zendesk-webhook-signature": signature,
    }


def intercom(body: bytes = BODY, at: str | None = None, secret: str = SECRET) -> Headers:
    return {"x-hub-signature": f"sha1={digest('sha1', body, secret).hex()}"}


Sign = Callable[..., Headers]
SIGNS: dict[str, Sign] = {"passages": passages, "zendesk": zendesk, "intercom": intercom}

every_kind = pytest.mark.parametrize("kind", SIGNS)


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV, SECRET)


def check(kind: str, headers: Mapping[str, str], body: bytes = BODY) -> None:
    check_signature(Hook(kind=kind, secret_env=ENV), headers, body)


@every_kind
def test_what_was_signed_with_the_secret_is_genuine(kind: str) -> None:
    check(kind, {"content-type": "application/json", **SIGNS[kind]()})
    check(kind, SIGNS[kind](b""), b"")


def test_the_vectors_of_the_standards_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 2202, test case 2 for HMAC-SHA-1, whose key is "Jefe"; what HMAC-SHA-256 makes of the
    same key in RFC 4231, test case 2, where timestamp and body are its message cut in two."""
    monkeypatch.setenv(ENV, "Jefe")
    message = b"what do ya want for nothing?"
    sha1 = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
    check("intercom", {"x-hub-signature": f"sha1={sha1}"}, message)
    sha256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    signature = base64.b64encode(bytes.fromhex(sha256)).decode()
    headers = {
        "x-zendesk-webhook-signature-timestamp": "what do ya ",
        "x-zendesk-webhook-signature": signature,
    }
    with pytest.raises(SignatureError, match="away from now"):  # But it is the right signature.
        check("zendesk", headers, b"want for nothing?")


@every_kind
@pytest.mark.parametrize("body", [BODY + b" ", BODY[:-1], b"", b"\xff"])
def test_another_body_was_not_signed(kind: str, body: bytes) -> None:
    with pytest.raises(SignatureError, match="not that of the index's secret"):
        check(kind, SIGNS[kind](), body)


@every_kind
def test_another_secret_is_none(kind: str) -> None:
    with pytest.raises(SignatureError, match="not that of the index's secret"):
        check(kind, SIGNS[kind](secret="another"))


@every_kind
@pytest.mark.parametrize("signature", ["", "x", "sha256=", "\u00e9", "sha1=" + "0" * 40])
def test_a_signature_of_another_form_is_none(kind: str, signature: str) -> None:
    headers = SIGNS[kind]()
    (name,) = [name for name in headers if name.endswith("signature")]
    with pytest.raises(SignatureError, match="not that of the index's secret"):
        check(kind, {**headers, name: signature})


@every_kind
def test_a_header_that_is_missing_is_named(kind: str) -> None:
    headers = SIGNS[kind]()
    for name in headers:
        others = {other: value for other, value in headers.items() if other != name}
        with pytest.raises(SignatureError, match=f"the header {name} is missing"):
            check(kind, others)


@every_kind
def test_the_signature_of_another_kind_is_none(kind: str) -> None:
    for other, sign in SIGNS.items():
        if other != kind:
            with pytest.raises(SignatureError, match="is missing"):
                check(kind, sign())


@pytest.mark.parametrize("name", ["x-passages-timestamp", "x-zendesk-webhook-signature-timestamp"])
def test_the_time_is_part_of_what_is_signed(name: str) -> None:
    kind = "passages" if "passages" in name else "zendesk"
    headers = {**SIGNS[kind](), name: str(int(time.time()) - 1)}
    with pytest.raises(SignatureError, match="not that of the index's secret"):
        check(kind, headers)


@pytest.mark.parametrize("seconds", [-290, 290])
def test_an_announcement_may_be_minutes_away(seconds: int) -> None:
    check("passages", passages(at=str(int(time.time()) + seconds)))


@pytest.mark.parametrize("seconds", [-310, 310])
def test_an_old_announcement_may_be_somebody_s_recording(seconds: int) -> None:
    with pytest.raises(SignatureError, match="more than 300 s away from now"):
        check("passages", passages(at=str(int(time.time()) + seconds)))


@pytest.mark.parametrize(
    "at",
    ["", "soon", "-1", "1e9", "2026-07-01T12:00:00Z", "\u00b2", "9" * 400, "9" * 5000],
    ids=["empty", "word", "negative", "float", "iso", "superscript", "large", "huge"],
)
def test_a_time_that_is_none_is_refused(at: str) -> None:
    with pytest.raises(SignatureError, match="more than 300 s away from now"):
        check("passages", passages(at=at))


@every_kind
def test_without_a_secret_nothing_is_genuine(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", None):
        if value is None:
            monkeypatch.delenv(ENV)
        else:
            monkeypatch.setenv(ENV, value)
        with pytest.raises(ConflictError, match=f"variable {ENV} holds no secret"):
            check(kind, SIGNS[kind](secret=""))


# The job that an announcement leads to.

HOOK = f"    hook: {{kind: intercom, secret_env: {ENV}}}\n"


@pytest.fixture
def service(site: Site) -> Service:
    site.catalog = FAQS + HOOK
    site.specs()
    return Service(CatalogFile(site.folder / "catalog.yaml"), lambda: site.store, site.state)


def active(service: Service) -> list[JobRequest]:
    return [job.request for job in service.state.jobs.active()]


def test_an_announcement_asks_for_a_job(service: Service) -> None:
    job = service.announce("faqs", intercom(), BODY)
    assert active(service) == [job.request]
    assert job.request == JobRequest(index="faqs", trigger=Trigger.HOOK)


def test_a_forged_announcement_asks_for_none(service: Service) -> None:
    with pytest.raises(SignatureError):
        service.announce("faqs", intercom(secret="another"), BODY)
    assert active(service) == []


def test_an_index_without_a_hook_takes_no_announcement(service: Service, site: Site) -> None:
    site.catalog = FAQS
    site.specs()
    with pytest.raises(ConflictError, match="declares no 'hook' for index 'faqs'"):
        service.announce("faqs", intercom(), BODY)


def test_announcements_before_a_job_has_begun_are_one_with_it(service: Service) -> None:
    first = service.announce("faqs", intercom(), BODY)
    assert service.announce("faqs", intercom(), BODY).id == first.id
    service.state.jobs.advance(first.id, JobState.RUNNING)
    service.state.jobs.advance(first.id, JobState.SUCCEEDED)
    assert active(service) == []


def test_announcements_while_a_job_is_at_work_are_followed_by_one(service: Service) -> None:
    job, _ = service.submit(JobRequest(index="faqs"))
    service.state.jobs.advance(job.id, JobState.RUNNING)
    for _ in range(3):
        assert service.announce("faqs", intercom(), BODY).id == job.id
    service.state.jobs.advance(job.id, JobState.SUCCEEDED)
    assert active(service) == [JobRequest(index="faqs", trigger=Trigger.HOOK)]


@pytest.mark.parametrize(
    "narrow",
    [
        JobRequest(index="faqs", retry_of="another", trigger=Trigger.RETRY),
        JobRequest(index="faqs", source='{"kind": "jsonl", "path": "other.jsonl"}'),
    ],
    ids=["a retry", "another source"],
)
def test_a_queued_job_that_takes_up_less_does_not_swallow_it(
    service: Service, narrow: JobRequest
) -> None:
    """What was announced is in the index's own source, which such a job may not look at."""
    job, _ = service.state.jobs.submit(narrow)
    service.announce("faqs", intercom(), BODY)
    service.state.jobs.advance(job.id, JobState.RUNNING)
    service.state.jobs.advance(job.id, JobState.SUCCEEDED)
    assert active(service) == [JobRequest(index="faqs", trigger=Trigger.HOOK)]
