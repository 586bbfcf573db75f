import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarksError
from benchmarks.gateway.bedrock import BedrockProcess, Fault, Faults, Plan
from tests.acceptance.commands import ROOT, run, start
from tests.benchmarks.gateway.bedrock_client import FULL, REGION, ask, client, stream, text_of

MODULE = "benchmarks.gateway.bedrock"
BROKEN = Plan(faults=(Faults(faults=(Fault(kind="ServiceUnavailableException"),)),))


def test_it_runs_as_a_process_of_its_own() -> None:
    with BedrockProcess.started([REGION, "us-west-2"], BROKEN) as bedrock:
        with client(bedrock) as to, client(bedrock, "us-west-2") as elsewhere:
            for one in (to, elsewhere):
                with pytest.raises(one.exceptions.ServiceUnavailableException):
                    ask(one)
            bedrock.set_plan(Plan())
            bedrock.reset()
            assert text_of(ask(to)) == FULL
            stream(elsewhere)
        counted = bedrock.counts()
        assert [(row.region, row.requests) for row in counted.rows] == [
            (REGION, 1),
            ("us-west-2", 1),
        ]
        mistaken = BedrockProcess(bedrock.endpoints, bedrock.endpoints[REGION])
        with pytest.raises(BenchmarksError, match="GET /_counts is no operation here"):
            mistaken.counts()
    with pytest.raises(BenchmarksError, match="GET /_counts"):
        bedrock.counts()


def test_the_command_reads_a_plan_and_ends_cleanly_when_told(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(BROKEN.to_json())
    words = ("-X", "dev", "-W", "error", "-m", MODULE, "--region", REGION, "--plan", "plan.json")
    process = subprocess.Popen(
        [sys.executable, *words],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        bedrock = BedrockProcess(said["endpoints"], said["admin_url"])
        with client(bedrock) as to, pytest.raises(to.exceptions.ServiceUnavailableException):
            ask(to)
        process.terminate()
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out, err) == (0, b"", b"")


@pytest.mark.parametrize(
    ("plan", "said"), [(None, "No such file"), ("{}}", "the plan is not valid")]
)
def test_a_plan_that_cannot_be_read_ends_the_command(
    tmp_path: Path, plan: str | None, said: str
) -> None:
    if plan is not None:
        (tmp_path / "plan.json").write_text(plan)
    done = run(tmp_path, MODULE, "--region", REGION, "--plan", "plan.json")
    assert done.code == 1
    assert f"plan.json: {said}" in done.err


def test_a_region_has_to_be_named(tmp_path: Path) -> None:
    process = start(tmp_path, MODULE)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "--region" in err
