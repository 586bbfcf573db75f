import json
import re
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from benchmarks.gateway.bedrock import Bedrock
from tests.benchmarks.gateway.bedrock_client import (
    MODEL,
    REGION,
    ask,
    client,
    connected,
    now,
    request,
    said,
    signed,
    until_closed,
)

BODY = json.dumps({"messages": said("hello")}).encode()
ELSEWHERE = "us-west-2"


@pytest.fixture(scope="module")
def bedrock() -> Iterator[Bedrock]:
    with Bedrock.served([REGION, ELSEWHERE]) as served:
        yield served


def answered(bedrock: Bedrock, headers: dict[str, str], body: bytes = BODY) -> tuple[int, str, str]:
    """The status, the error's name, and what was said."""
    url = bedrock.endpoints[REGION]
    with connected(url) as sock:
        sock.sendall(request(url, body, {**headers, "Connection": "close"}))
        raw = until_closed(sock)
    head, _, rest = raw.partition(b"\r\n\r\n")
    name = re.search(rb"x-amzn-ErrorType: (\w+)", head)
    said_of_it = json.loads(rest).get("message", "")
    return int(head.split()[1]), name[1].decode() if name else "", said_of_it


def good(bedrock: Bedrock, **more: str) -> dict[str, str]:
    return signed(bedrock.endpoints[REGION], BODY, **more)


def test_each_region_has_a_port_of_its_own(bedrock: Bedrock) -> None:
    assert set(bedrock.endpoints) == {REGION, ELSEWHERE}
    with client(bedrock, ELSEWHERE) as there:
        ask(there)
    assert bedrock.counts().where(region=ELSEWHERE, outcome="succeeded").requests == 1


def test_a_signed_request_is_answered(bedrock: Bedrock) -> None:
    assert answered(bedrock, good(bedrock)) == (200, "", "")


def test_a_request_without_a_signature_is_refused(bedrock: Bedrock) -> None:
    said_of_it = (403, "MissingAuthenticationTokenException", "Missing Authentication Token")
    assert answered(bedrock, {}) == said_of_it


@pytest.mark.parametrize(
    ("old", "new", "said_of_it"),
    [
        ("AWS4-HMAC-SHA256", "Bearer", "Unsupported AWS 'algorithm': 'Bearer'"),
        ("Credential=", "Who=", "requires 'Credential' parameter"),
        ("SignedHeaders=", "Headers=", "requires 'SignedHeaders' parameter"),
        ("Signature=", "Sig=", "requires 'Signature' parameter"),
        ("/aws4_request", "", "exactly 5 slash-delimited elements"),
        ("Signature=", "Signature=x", "64 hexadecimal digits"),
    ],
)
def test_a_signature_that_is_not_whole_is_refused(
    bedrock: Bedrock, old: str, new: str, said_of_it: str
) -> None:
    headers = good(bedrock)
    headers["Authorization"] = headers["Authorization"].replace(old, new)
    status, name, said_so = answered(bedrock, headers)
    assert (status, name) == (403, "IncompleteSignatureException")
    assert said_of_it in said_so


def test_a_signature_needs_the_time(bedrock: Bedrock) -> None:
    headers = good(bedrock)
    del headers["X-Amz-Date"]
    assert answered(bedrock, headers)[1] == "IncompleteSignatureException"
    today = now()[:8]
    assert answered(bedrock, headers | {"X-Amz-Date": f"{today} noon"})[:2] == (
        403,
        "IncompleteSignatureException",
    )


@pytest.mark.parametrize(
    ("headers", "said_of_it"),
    [
        ({"region": ELSEWHERE}, f"scoped to a valid region, not '{ELSEWHERE}'"),
        ({"service": "s3"}, "scoped to correct service: 'bedrock'"),
    ],
)
def test_a_signature_of_another_scope_is_refused(
    bedrock: Bedrock, headers: dict[str, str], said_of_it: str
) -> None:
    status, name, said_so = answered(bedrock, good(bedrock, **headers))
    assert (status, name) == (403, "InvalidSignatureException")
    assert said_of_it in said_so


@pytest.mark.parametrize(
    ("old", "new", "said_of_it"),
    [
        ("host;", "", "must be 'SignedHeaders'"),
        (r"/\d{8}/", "/20200101/", "Date in Credential scope does not match"),
    ],
)
def test_a_signature_that_does_not_match_its_request_is_refused(
    bedrock: Bedrock, old: str, new: str, said_of_it: str
) -> None:
    headers = good(bedrock)
    headers["Authorization"] = re.sub(old, new, headers["Authorization"])
    status, name, said_so = answered(bedrock, headers)
    assert (status, name) == (403, "InvalidSignatureException")
    assert said_of_it in said_so


def test_a_signature_of_another_day_has_expired(bedrock: Bedrock) -> None:
    headers = good(bedrock) | {"X-Amz-Date": "20200101T000000Z"}
    headers["Authorization"] = re.sub(r"/\d{8}/", "/20200101/", headers["Authorization"])
    status, name, said_so = answered(bedrock, headers)
    assert (status, name) == (403, "InvalidSignatureException")
    assert said_so.startswith("Signature expired: 20200101T000000Z")


def test_boto3_sees_that_it_asked_the_wrong_region(bedrock: Bedrock) -> None:
    class Swapped:
        endpoints = {ELSEWHERE: bedrock.endpoints[REGION]}  # noqa: RUF012

    with client(Swapped(), ELSEWHERE) as lost, pytest.raises(ClientError) as refused:
        ask(lost)
    assert refused.value.response["Error"]["Code"] == "InvalidSignatureException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_connection_is_kept_for_the_next_request(bedrock: Bedrock) -> None:
    url = bedrock.endpoints[REGION]
    asked = request(url, BODY, good(bedrock))
    with connected(url) as sock:
        for _ in range(3):
            sock.sendall(asked)
            assert sock.recv(65_536).startswith(b"HTTP/1.1 200 OK\r\n")
        # Sent at once, and in pieces.
        sock.sendall(asked + asked[:-9])
        assert sock.recv(65_536).startswith(b"HTTP/1.1 200 OK\r\n")
        sock.sendall(asked[-9:])
        assert sock.recv(65_536).startswith(b"HTTP/1.1 200 OK\r\n")


def test_each_answer_has_an_id_of_its_own(bedrock: Bedrock) -> None:
    with client(bedrock) as to:
        ids = {ask(to)["ResponseMetadata"]["RequestId"] for _ in range(5)}
    assert len(ids) == 5


@pytest.mark.parametrize(
    "sent",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"x" * 70_000,
    ],
)
def test_what_is_no_request_is_answered_400_and_closed(bedrock: Bedrock, sent: bytes) -> None:
    with connected(bedrock.endpoints[REGION]) as sock:
        sock.sendall(sent)
        assert until_closed(sock).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_an_open_connection_does_not_keep_it_from_stopping() -> None:
    with Bedrock.served() as bedrock:
        url = bedrock.endpoints[REGION]
        body = json.dumps({"messages": said("hello")}).encode()
        model = "fake.ttft60000-v1:0"
        with connected(url) as idle, connected(url) as busy:
            headers = signed(url, body, model=model)
            busy.sendall(request(url, body, headers, model=model))
            idle.sendall(request(url, BODY, good(bedrock)))
            assert idle.recv(65_536)
    with pytest.raises(ConnectionRefusedError), connected(url):
        pass


def test_the_model_of_a_refused_signature_is_counted(bedrock: Bedrock) -> None:
    bedrock.reset()
    answered(bedrock, {})
    assert bedrock.counts().where(model_id=MODEL).requests == 1
    assert bedrock.counts().outcomes() == {"MissingAuthenticationTokenException": 1}
