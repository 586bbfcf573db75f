from pathlib import Path

from benchmarks.gateway.quota import measure_quota
from benchmarks.performance.workplace import Workplace


def test_the_gateway_is_not_throttled_where_boto3_alone_is(tmp_path: Path) -> None:
    rows = measure_quota(Workplace(data=tmp_path, folder=tmp_path), 24)
    values = {row.name: row.value for row in rows}
    assert values["gateway: throttled"] == 0
    assert values["boto3 without maxTokens: throttled"] > 10
    assert next(row.value for row in rows if row.name == "succeeded") == 100
