"""Objects in a bucket of Amazon S3, or of what speaks its protocol ("Amazon S3 API Reference")."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from chunkers.document import Content, ContentType
from indexers.errors import DocumentError, SourceError
from indexers.sources.base import Entry, Listed, Skipped, Unreadable
from indexers.sources.directory import FORMATS

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 60
ATTEMPTS = 3  # Of a request in all, by botocore's "standard" retries.

# Those that take hours to be readable; an object in GLACIER_IR is so at once.
_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
_KEYS_REFUSED = (
    "AccessDenied",
    "AllAccessDisabled",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
)
_OTHER_REGION = ("AuthorizationHeaderMalformed", "IllegalLocationConstraintException")


@dataclass(frozen=True, kw_only=True)
class S3Source:
    """Every object whose key begins with `prefix` and ends like a file of the content type.

    A document's id is its key from the last slash of `prefix` on, so that a folder that was
    copied to a bucket has the ids that it had. Keys that end with a slash are passed over: they
    stand for folders. Credentials are found as boto3 finds them; an `endpoint_url` is that of
    another service which speaks S3.

    A revision is the object's size and ETag. An ETag names what was uploaded but is no hash of it
    where it was uploaded in parts or is encrypted, so that it is compared and nothing else.
    """

    content_type: ContentType
    bucket: str
    prefix: str = ""
    endpoint_url: str | None = None
    region: str | None = None
    max_bytes: int = field(default=50 * 2**20, compare=False)

    def __post_init__(self) -> None:
        if not self.bucket:
            raise ValueError("bucket must not be empty")
        if self.max_bytes <= 0:
            raise ValueError(f"max_bytes must be above 0, not {self.max_bytes}")
        url = urlsplit(self.endpoint_url or "https://s3.amazonaws.com")
        if url.scheme not in ("http", "https") or not url.hostname or "@" in url.netloc:
            raise ValueError("endpoint_url must be like 'https://minio.example.com:9000'")

    def list(self, known: Mapping[str, str]) -> Iterator[Listed]:
        """The objects in the order of their keys' bytes; see `Source.list`."""
        errors = _errors()
        formats = FORMATS[self.content_type]
        _reader.cache_clear()  # Its credentials may have been changed since the last run.
        try:
            with closing(_client(self.endpoint_url, self.region)) as client:
                pages = client.get_paginator("list_objects_v2")
                for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix):
                    for item in page.get("Contents", ()):
                        if not item["Key"].endswith("/"):
                            yield self._listed(item, formats, known)
        except errors as exc:
            raise SourceError(f"{self._place}: {self._reason(exc)}") from exc

    def read(self, entry: Entry) -> Content:
        """The object's bytes, if they are those that were listed; see `Source.read`."""
        key = self._folder + entry.id
        etag = entry.revision.partition(":")[2]
        try:
            client = _reader(self.endpoint_url, self.region)
            found = client.get_object(Bucket=self.bucket, Key=key, IfMatch=f'"{etag}"')
            with closing(found["Body"]) as body:
                # Not every service that speaks S3 knows IfMatch.
                if _revision(found["ContentLength"], found["ETag"]) != entry.revision:
                    raise DocumentError(_CHANGED)
                data = body.read()
        except _errors() as exc:
            raise DocumentError(self._reason(exc)) from exc
        return Content(
            id=entry.id,
            content_type=self.content_type,
            format=FORMATS[self.content_type][_suffix(key)],
            data=data,
            revision=entry.revision,
        )

    @property
    def _folder(self) -> str:
        return self.prefix[: self.prefix.rfind("/") + 1]

    @property
    def _place(self) -> str:
        at = f" at {self.endpoint_url}" if self.endpoint_url else ""
        return f"s3://{self.bucket}/{self.prefix}{at}"

    def _listed(
        self, item: Mapping[str, Any], formats: Mapping[str, Any], known: Mapping[str, str]
    ) -> Listed:
        id_ = item["Key"].removeprefix(self._folder)
        revision = _revision(item["Size"], item["ETag"])
        if _suffix(id_) not in formats:
            return Skipped(where=id_, reason=f"not a file of type {', '.join(formats)}")
        if item["Size"] > self.max_bytes:
            reason = f"{item['Size']} bytes; max_bytes is {self.max_bytes}"
            return Unreadable(where=id_, reason=reason)
        storage = item.get("StorageClass")
        if storage in _ARCHIVES and known.get(id_) != revision:
            reason = f"archived as {storage}; restore it by copying it to another storage class"
            return Unreadable(where=id_, reason=reason)
        return Entry(id=id_, revision=revision, where=id_)

    def _reason(self, exc: Exception) -> str:
        """What went wrong, for the person who can mend it."""
        response: Mapping[str, Any] = getattr(exc, "response", {})
        code = str(response.get("Error", {}).get("Code", ""))
        said = response.get("Error", {}).get("Message") or str(exc)
        if code in ("PreconditionFailed", "412"):
            return _CHANGED
        if code in ("NoSuchKey", "404"):
            return "is no longer there"
        if code == "NoSuchBucket":
            return f"there is no bucket {self.bucket!r}"
        if code == "InvalidObjectState":
            return "archived; restore it, or copy it to another storage class"
        if code in _KEYS_REFUSED or code == "403":
            needs = "s3:ListBucket and s3:GetObject, and kms:Decrypt where it is encrypted by KMS"
            return f"access is refused ({code}: {said}); the credentials need {needs}"
        if code in _OTHER_REGION or code == "PermanentRedirect":
            return f"the bucket is in another region ({said}); name it in region"
        return f"{code}: {said}" if code else said


_CHANGED = "changed while it was being indexed; the next run takes it up"


def _revision(size: int, etag: str) -> str:
    bare = etag.strip('"')  # Some services list it without the quotes.
    return f"{size}:{bare}"


def _suffix(key: str) -> str:
    return PurePosixPath(key).suffix.lower()


def _client(endpoint_url: str | None, region: str | None) -> Any:
    # Imported here: it takes a fifth of a second, which is for those who have an S3 source.
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
    # A session of its own: that which boto3 shares is not safe for threads.
    session = boto3.Session(region_name=region)
    return session.client("s3", endpoint_url=endpoint_url, config=config)


@lru_cache(maxsize=8)
def _reader(endpoint_url: str | None, region: str | None) -> Any:
    """One client for the objects of a run: making one takes longer than reading with it."""
    return _client(endpoint_url, region)


def _errors() -> tuple[type[Exception], ...]:
    """Everything that boto3 raises for what is not the program's own fault."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    return BotoCoreError, ClientError, ResponseParserError
