"""What a bucket lists and gives to read, against a server that speaks S3."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from chunkers import ContentType, Format, extract
from indexers.errors import DocumentError, SourceError
from indexers.located import LocatedError, construct, load
from indexers.plan import plan_reindex
from indexers.sources import Entry, Listed, Skipped, Unreadable
from indexers.sources.s3 import S3Source
from indexers.state import Stored

BUCKET = "help-centre"


@dataclass(frozen=True)
class Bucket:
    """A bucket to write into, as its owner does."""

    endpoint_url: str
    client: Any

    def put(self, key: str, data: bytes = b"text", **more: str) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=data, **more)

    def put_in_parts(self, key: str, *parts: bytes) -> None:
        place = {"Bucket": BUCKET, "Key": key}
        upload = self.client.create_multipart_upload(**place)["UploadId"]
        tags = [
            self.client.upload_part(**place, UploadId=upload, PartNumber=number, Body=part)["ETag"]
            for number, part in enumerate(parts, start=1)
        ]
        done = {"Parts": [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, start=1)]}
        self.client.complete_multipart_upload(**place, UploadId=upload, MultipartUpload=done)

    def delete(self, *keys: str) -> None:
        for key in keys:
            self.client.delete_object(Bucket=BUCKET, Key=key)

    def source(self, **fields: Any) -> S3Source:
        place = {"bucket": BUCKET, "endpoint_url": self.endpoint_url}
        return S3Source(**{"content_type": ContentType.ARTICLE, **place, **fields})


@pytest.fixture(scope="module")
def service() -> Iterator[Bucket]:
    """Credentials and a server for them, on loopback."""
    log = logging.getLogger("werkzeug")
    before, server = log.level, ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    log.setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            monkeypatch.setenv(name, os.devnull)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        url = f"http://{host}:{port}"
        client = boto3.Session().client("s3", endpoint_url=url)
        yield Bucket(url, client)
        client.close()
    server.stop()
    log.setLevel(before)


@pytest.fixture
def bucket(service: Bucket) -> Iterator[Bucket]:
    service.client.create_bucket(Bucket=BUCKET)
    yield service
    httpx.post(f"{service.endpoint_url}/moto-api/reset").raise_for_status()


def entries(source: S3Source, known: Mapping[str, str] | None = None) -> dict[str, Entry]:
    return {item.id: item for item in source.list(known or {}) if isinstance(item, Entry)}


def others(source: S3Source) -> list[Listed]:
    return [item for item in source.list({}) if not isinstance(item, Entry)]


def test_objects_are_listed_and_read_by_their_keys(bucket: Bucket) -> None:
    bucket.put("b.MD", b"# B")
    bucket.put("a/\u00e9 +&?#%20.html", "<p>Où ?".encode())
    bucket.put("a/", b"")
    source = bucket.source()
    found = entries(source)
    assert list(found) == ["a/\u00e9 +&?#%20.html", "b.MD"]
    assert all(entry.where == entry.id and entry.content is None for entry in found.values())
    contents = [source.read(entry) for entry in found.values()]
    assert [content.data for content in contents] == ["<p>Où ?".encode(), b"# B"]
    assert [content.format for content in contents] == [Format.HTML, Format.MARKDOWN]
    assert [content.revision for content in contents] == [e.revision for e in found.values()]
    assert extract(contents[0]).text == "Où ?"


def test_an_id_is_the_key_within_the_prefix_s_folder(bucket: Bucket) -> None:
    for key in ("en/a.md", "en/b/c.md", "english.md"):
        bucket.put(key, key.encode())
    for prefix, ids in {
        "": ["en/a.md", "en/b/c.md", "english.md"],
        "en": ["en/a.md", "en/b/c.md", "english.md"],
        "en/": ["a.md", "b/c.md"],
        "en/b": ["b/c.md"],
        "en/b/": ["c.md"],
        "fr/": [],
    }.items():
        source = bucket.source(prefix=prefix)
        found = entries(source)
        assert list(found) == ids
        for id_, entry in found.items():
            assert source.read(entry).data.decode().endswith(id_)


def test_every_page_of_a_listing_is_listed(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    keys = [f"{number}.md" for number in range(8)]
    for key in keys:
        bucket.put(key)
    assert bucket.client.list_objects_v2(Bucket=BUCKET)["IsTruncated"]
    assert list(entries(bucket.source())) == keys


def test_a_listing_that_fails_half_way_deletes_nothing(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    keys = [f"{number}.md" for number in range(4)]
    for key in keys:
        bucket.put(key)
    listing = bucket.source().list({})
    assert isinstance(next(listing), Entry)
    bucket.delete(*keys)
    bucket.client.delete_bucket(Bucket=BUCKET)
    with pytest.raises(SourceError, match="there is no bucket 'help-centre'"):
        list(listing)


def test_a_revision_follows_what_was_uploaded_alone(bucket: Bucket) -> None:
    bucket.put("a.md", b"same")
    bucket.put("b.md", b"same")
    bucket.put("c.md", b"else")
    found = entries(bucket.source())
    assert found["a.md"].revision == found["b.md"].revision != found["c.md"].revision
    bucket.put("a.md", b"same")
    assert entries(bucket.source())["a.md"] == found["a.md"]
    bucket.put("a.md", b"other")
    assert entries(bucket.source())["a.md"].revision != found["a.md"].revision


def test_an_object_uploaded_in_parts_is_read_and_compared(bucket: Bucket) -> None:
    first, second = b"a" * 5 * 2**20, b"the end"
    bucket.put_in_parts("big.txt", first, second)
    source = bucket.source()
    entry = entries(source)["big.txt"]
    assert entry.revision.endswith("-2")
    assert source.read(entry).data == first + second
    bucket.put_in_parts("big.txt", first, b"The end")
    assert entries(source)["big.txt"].revision != entry.revision


def test_an_object_that_is_not_what_was_listed_is_not_read(bucket: Bucket) -> None:
    bucket.put("a.md", b"as listed")
    bucket.put("b.md", b"as listed")
    source = bucket.source()
    found = entries(source)
    bucket.put("a.md", b"As listed")
    bucket.delete("b.md")
    with pytest.raises(DocumentError, match="changed while it was being indexed; the next run"):
        source.read(found["a.md"])
    with pytest.raises(DocumentError, match="is no longer there"):
        source.read(found["b.md"])


def test_what_no_content_is_made_of_is_skipped(bucket: Bucket) -> None:
    for key in ("image.png", "noext", "a.json"):
        bucket.put(key)
    skipped = others(bucket.source())
    assert [(type(item), item.where) for item in skipped] == [
        (Skipped, "a.json"),
        (Skipped, "image.png"),
        (Skipped, "noext"),
    ]
    source = bucket.source(content_type=ContentType.FAQ)
    assert source.read(entries(source)["a.json"]).format is Format.JSON


def test_an_object_over_the_limit_is_named_and_stays_indexed(bucket: Bucket) -> None:
    bucket.put("a.md", b"12345")
    bucket.put("b.md", b"123456")
    source = bucket.source(max_bytes=5)
    assert list(entries(source)) == ["a.md"]
    (item,) = others(source)
    assert item == Unreadable(where="b.md", reason="6 bytes; max_bytes is 5")
    manifest = {id_: Stored(revision="1", chunks=1) for id_ in ("a.md", "b.md", "c.md")}
    assert plan_reindex(source.list({}), manifest).deleted == ("c.md",)


def test_an_archived_object_is_named_unless_it_is_known(bucket: Bucket) -> None:
    for storage in ("GLACIER", "DEEP_ARCHIVE", "GLACIER_IR", "STANDARD_IA"):
        bucket.put(f"{storage}.md", b"kept", StorageClass=storage)
    source = bucket.source()
    assert {item.where: getattr(item, "reason", "") for item in others(source)} == {
        f"{storage}.md": f"archived as {storage}; restore it by copying it to another storage class"
        for storage in ("GLACIER", "DEEP_ARCHIVE")
    }
    instant = entries(source)["GLACIER_IR.md"]
    assert source.read(instant).data == b"kept"
    known = {"GLACIER.md": instant.revision, "DEEP_ARCHIVE.md": "of another version"}
    assert entries(source, known)["GLACIER.md"].revision == instant.revision
    with pytest.raises(DocumentError, match="archived; restore it"):
        source.read(entries(source, known)["GLACIER.md"])


def test_a_bucket_that_is_not_there_is_named(bucket: Bucket) -> None:
    with pytest.raises(SourceError, match=r"s3://none/x at .*: there is no bucket 'none'"):
        list(bucket.source(bucket="none", prefix="x").list({}))
    with pytest.raises(SourceError, match="Invalid bucket name"):
        list(bucket.source(bucket="No Bucket").list({}))


def test_credentials_that_are_refused_are_named(bucket: Bucket) -> None:
    bucket.put("a.md")
    source = bucket.source()
    (entry,) = entries(source).values()
    httpx.post(f"{bucket.endpoint_url}/moto-api/reset-auth", content=b"0").raise_for_status()
    try:
        with pytest.raises(SourceError, match=r"access is refused \(InvalidAccessKeyId.*ListBuck"):
            list(source.list({}))
        with pytest.raises(DocumentError, match="access is refused"):
            source.read(entry)
    finally:
        httpx.post(f"{bucket.endpoint_url}/moto-api/reset-auth", content=b"inf")


def test_missing_credentials_are_named(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SourceError, match="Unable to locate credentials"):
        list(bucket.source().list({}))


def test_an_endpoint_that_does_not_answer_is_named(bucket: Bucket) -> None:
    with socket() as closed:
        closed.bind(("127.0.0.1", 0))  # Bound and not listening: nobody else can take the port.
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(SourceError, match=f"Could not connect to the endpoint URL: .{url}"):
            list(bucket.source(endpoint_url=url).list({}))


class _NoS3(BaseHTTPRequestHandler):
    """Answers a listing with a web page, and gives an object whatever the condition."""

    def do_GET(self) -> None:
        body = b"<html><p>hello</html>" if "list-type" in self.path else b"other"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"other"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def no_s3() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _NoS3)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_endpoint_that_speaks_something_else_is_named(bucket: Bucket, no_s3: str) -> None:
    with pytest.raises(SourceError, match=f"s3://help-centre/ at {no_s3}: "):
        list(bucket.source(endpoint_url=no_s3).list({}))


def test_a_service_that_ignores_the_condition_is_not_believed(bucket: Bucket, no_s3: str) -> None:
    source = bucket.source(endpoint_url=no_s3)
    with pytest.raises(DocumentError, match="changed while it was being indexed"):
        source.read(Entry(id="a.md", revision="5:listed", where="a.md"))


def test_a_catalog_names_what_is_wrong(tmp_path: Path) -> None:
    def read(text: str) -> S3Source:
        file = tmp_path / "source.yaml"
        file.write_text(f"kind: s3\n{text}\n")
        return construct(S3Source, load(file), content_type=ContentType.PDF)

    plain = read("bucket: b")
    assert (plain.prefix, plain.endpoint_url, plain.region) == ("", None, None)
    assert read("bucket: b\nmax_bytes: 7") == plain
    for text, message in {
        "prefix: a/": "'bucket' is missing",
        "bucket: ''": "bucket must not be empty",
        "bucket: b\nmax_bytes: 0": "max_bytes must be above 0",
        "bucket: b\nendpoint_url: minio:9000": "endpoint_url must be like",
        "bucket: b\nendpoint_url: http://key:secret@minio": "endpoint_url must be like",
    }.items():
        with pytest.raises(LocatedError, match=message):
            read(text)


def test_boto3_is_not_imported_before_it_is_used() -> None:
    code = "import sys, indexers.sources.s3; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
