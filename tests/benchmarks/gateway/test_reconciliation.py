import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gateway.bedrock import Bedrock, Counted, Fault, Faults, Plan
from benchmarks.gateway.callers import INPUTS, REGIONS, gateway_over, records_in
from benchmarks.gateway.reconciliation import reconciliation_rows
from benchmarks.performance.rows import Row

CALLS = 30
FAULTY = Plan(
    seed=3,
    faults=(
        Faults(
            faults=(
                Fault(kind="ThrottlingException", share=0.1),
                Fault(kind="reset", share=0.1),
                Fault(kind="half_body", share=0.1),
            )
        ),
        Faults(region=REGIONS[1], faults=(Fault(kind="refused"),)),
    ),
)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Counted]:
    """The books of calls that are over, of which some attempts failed, and what was counted."""
    folder = tmp_path_factory.mktemp("books")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "for-tests")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "for-tests")
        with Bedrock.served(REGIONS, FAULTY) as bedrock:
            gateway = gateway_over(bedrock.endpoints, folder, attempts=8)
            for number in range(CALLS):
                gateway.complete("answer", INPUTS, tenant=f"t{number}")
            gateway.close()
            return folder, bedrock.counts()


def rows(folder: Path, counted: Counted) -> dict[str, Row]:
    return {row.name: row for row in reconciliation_rows(CALLS, folder, counted)}


def unmet(found: dict[str, Row]) -> list[str]:
    return [row.name for row in found.values() if row.met is False]


def test_what_was_written_down_is_what_was_counted(books: tuple[Path, Counted]) -> None:
    found = rows(*books)
    assert unmet(found) == []
    assert found["attempts answered to the end"].value >= CALLS
    assert found["attempts estimated"].value > 0
    assert found["attempts recorded as sent"].value == books[1].where().requests


def test_a_record_that_is_wrong_or_missing_is_seen(
    books: tuple[Path, Counted], tmp_path: Path
) -> None:
    folder, counted = books
    (file,) = records_in(folder).glob("*.jsonl")
    first, *others = file.read_text().splitlines()
    record: Any = json.loads(first)
    record["attempts"][-1]["usage"]["output_tokens"] += 1
    copy = tmp_path / "books"
    records_in(copy).mkdir(parents=True)
    (copy / "passages.db").write_bytes((folder / "passages.db").read_bytes())
    written = records_in(copy) / file.name

    written.write_text("\n".join([json.dumps(record), *others]) + "\n")
    assert unmet(rows(copy, counted)) == ["calls with other tokens, costs or attempts than counted"]
    written.write_text("\n".join(others) + "\n")
    assert unmet(rows(copy, counted)) == [
        "calls recorded",
        "requests that the service counted beyond",
        "calls with other tokens, costs or attempts than counted",
        "calls with other sums in the table of costs",
    ]
