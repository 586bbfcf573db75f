"""What the stand-in was asked for, what became of it, and what it has billed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass as checked

from benchmarks.gateway.bedrock.asked import Metadata


@dataclass(slots=True, kw_only=True)
class Bill:
    """One request's outcome, and what it is billed; filled in while it is answered.

    The outcome is `succeeded`, `cancelled` (the client closed the connection), `over_quota`, the
    name of an error, the kind of a fault that ended it, or `stopped` (with the stand-in).
    """

    outcome: str = "succeeded"
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


@checked(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Row:
    """Requests that were alike: how many, and the tokens that they are billed."""

    region: str
    model_id: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    outcome: str
    requests: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


@checked(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Counted:
    """Everything since the start or the last reset.

    `faults` says how often each kind was drawn, `cut_by_client` how many streams the client closed
    before their end, and `open_streams` and `peak_streams` how many were sent at once, now and at
    most.
    """

    rows: tuple[Row, ...] = ()
    faults: Mapping[str, int] = field(default_factory=dict)
    open_streams: int = 0
    peak_streams: int = 0
    cut_by_client: int = 0

    @classmethod
    def from_json(cls, text: str | bytes) -> "Counted":
        """What `to_json` wrote."""
        return _COUNTED.validate_json(text)

    def to_json(self) -> bytes:
        """The counts as JSON."""
        return _COUNTED.dump_json(self)

    def where(
        self,
        *,
        region: str | None = None,
        model_id: str | None = None,
        outcome: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Row:
        """The sum of the rows that are as given; `metadata` may be a part of theirs."""
        wanted = (metadata or {}).items()
        rows = [
            row
            for row in self.rows
            if region in (None, row.region)
            and model_id in (None, row.model_id)
            and outcome in (None, row.outcome)
            and wanted <= row.metadata.items()
        ]
        return Row(
            region=region or "*",
            model_id=model_id or "*",
            metadata=metadata or {},
            outcome=outcome or "*",
            requests=sum(row.requests for row in rows),
            input=sum(row.input for row in rows),
            output=sum(row.output for row in rows),
            cache_read=sum(row.cache_read for row in rows),
            cache_write=sum(row.cache_write for row in rows),
        )

    def outcomes(self) -> Mapping[str, int]:
        """How many requests ended in which way."""
        found: Counter[str] = Counter()
        for row in self.rows:
            found[row.outcome] += row.requests
        return dict(found)


_COUNTED = TypeAdapter(Counted)
_TOKENS = ("input", "output", "cache_read", "cache_write")


class Counts:
    """The counts as they grow."""

    def __init__(self) -> None:
        self._open = 0
        self.reset()

    def reset(self) -> None:
        """Forget everything but the streams that are open."""
        self._rows: dict[tuple[str, str, Metadata, str], Counter[str]] = {}
        self._faults: Counter[str] = Counter()
        self._peak, self._cut = self._open, 0

    def add(self, region: str, model_id: str, metadata: Metadata, bill: Bill) -> None:
        """A request has ended."""
        row = self._rows.setdefault((region, model_id, metadata, bill.outcome), Counter())
        row["requests"] += 1
        for name in _TOKENS:
            row[name] += getattr(bill, name)

    def fault(self, kind: str) -> None:
        """A fault was drawn."""
        self._faults[kind] += 1

    def begin_stream(self) -> None:
        """A stream begins."""
        self._open += 1
        self._peak = max(self._peak, self._open)

    def end_stream(self, *, cut: bool) -> None:
        """A stream has ended, perhaps cut by the client."""
        self._open -= 1
        self._cut += cut

    def counted(self) -> Counted:
        """The counts now."""
        return Counted(
            rows=tuple(
                Row(region=region, model_id=model, metadata=dict(tags), outcome=outcome, **row)
                for (region, model, tags, outcome), row in self._rows.items()
            ),
            faults=dict(self._faults),
            open_streams=self._open,
            peak_streams=self._peak,
            cut_by_client=self._cut,
        )
