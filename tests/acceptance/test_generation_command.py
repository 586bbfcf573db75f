"""python -m generation, as an engineer types it, over the stand-in for Bedrock."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.gateway.bedrock import Bedrock, Fault, Faults, Plan
from generation.money.costs import CostRow, Costs
from generation.money.periods import today
from tests.acceptance.commands import run, run_unread, start
from tests.generation.commands.places import called, configured
from tests.generation.gateways import ANSWER, REGIONS
from tests.servers import until

DENIED = Plan(faults=(Faults(region="us-west-2", faults=(Fault(kind="AccessDeniedException"),)),))


@pytest.fixture(scope="module")
def served() -> Iterator[Bedrock]:
    with Bedrock.served(regions=REGIONS) as bedrock:
        yield bedrock


@pytest.fixture
def bedrock(served: Bedrock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bedrock:
    """The stand-in, and credentials of these tests alone."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "for-tests")
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "DATABASE_URL", "PASSAGES_GENERATION"):
        monkeypatch.delenv(name, raising=False)
    served.set_plan(Plan())
    served.reset()
    return served


@pytest.fixture
def folder(bedrock: Bedrock, tmp_path: Path) -> Path:
    return configured(tmp_path, bedrock.endpoints, "budget: {month_usd: 1}\n")


def test_from_the_check_over_calls_to_their_costs_and_their_replay(folder: Path) -> None:
    check = run(folder, "generation", "check")
    assert check.code == 0, check.err
    assert "2 of 2 targets can be called; to ask them cost $0.00" in check.out
    called(folder, "How do I pause?", "I am ada@example.com, pause my plan", tenant="acme")
    costs = run(folder, "generation", "costs", "--by", "use_case,tenant")
    assert costs.code == 0
    lines = [" ".join(line.split()) for line in costs.out.splitlines()]
    assert any(line.startswith("answer acme 2 2 ") for line in lines)
    assert any(line.startswith("check - 2 2 ") for line in lines)
    assert any(line.startswith("answer, tenant acme 20") for line in lines)
    assert "taken: spent, or set aside by a process" in costs.out
    replay = run(folder, "generation", "replay", "records")
    assert replay.code == 0, replay.err
    assert "1 of the latest 2 calls can be sent again, for $0.00" in replay.err
    assert ANSWER in replay.out
    assert "the inputs are redacted" in replay.out
    assert "sent: 1 (1 same, 0 changed, 0 failed); not sent: 1" in replay.out
    assert "\x1b" not in check.out + costs.out + replay.out + replay.err


def test_a_table_lines_up_and_what_to_do_stands_below_it(folder: Path, bedrock: Bedrock) -> None:
    bedrock.set_plan(DENIED)
    done = run(folder, "generation", "check")
    assert done.code == 1
    heading, east, west, *rest = done.out.splitlines()
    assert [line.index(word) for line, word in ((east, "ok"), (west, "AccessDenied"))] == [
        heading.index("result")
    ] * 2
    assert "allow bedrock:InvokeModel on us.fake.len12-v1:0 in us-west-2" in "\n".join(rest)


def test_a_program_gets_json_and_nothing_else(folder: Path, bedrock: Bedrock) -> None:
    called(folder, "How do I pause?")
    bedrock.set_plan(DENIED)
    check = run(folder, "generation", "check", "--json")
    assert check.code == 1
    assert [one["ok"] for one in check.json["targets"]] == [True, False]
    costs = run(folder, "generation", "costs", "--json")
    assert {row["use_case"]: row["calls"] for row in costs.json["rows"]} == {
        "answer": 1,
        "check": 2,
    }
    replay = run(folder, "generation", "replay", "records", "--json")
    assert [one["verdict"] for one in replay.json["calls"]] == ["same"]
    (file,) = [f for f in (folder / "records").iterdir() if "replay:" not in f.read_text()]
    prompts = run(folder, "generation", "replay", str(file), "--dry-run", "--json")
    assert "How do I pause?" in prompts.json["prompts"][0]["messages"][0]["text"]


def test_without_credentials_every_target_says_so_and_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    # What the machine that the test runs on may have.
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(folder / "none"))
    for name in ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    done = run(folder, "generation", "check")
    assert done.code == 1
    assert "east, west: NoCredentials: Unable to locate credentials" in done.out
    assert "give boto3 credentials: AWS_PROFILE, or AWS_ACCESS_KEY_ID and" in done.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["check", "--generation", "none.yaml"], 2, "error: none.yaml: cannot be read"),
        (["check", "--use-case", "judge"], 2, "error: no use case 'judge'; there are answer"),
        (["check", "--data-dir", "prices.yaml"], 3, "error: the ledger"),
        (["costs", "--by", "colour"], 2, "costs are not summed by 'colour'; valid: day"),
        (["replay", "none"], 3, "error: none: cannot be read"),
        (["replay"], 2, "RECORDS"),
        (["ask"], 2, "invalid choice: 'ask'"),
    ],
)
def test_what_is_wrong_has_an_exit_code_and_words(
    folder: Path, words: list[str], code: int, said: str
) -> None:
    done = run(folder, "generation", *words)
    assert done.code == code
    assert said in done.err


def test_a_replay_that_fails_is_an_exit_code_of_1(folder: Path, bedrock: Bedrock) -> None:
    called(folder, "How do I pause?")
    fault = Fault(kind="InternalServerException")
    bedrock.set_plan(Plan(faults=(Faults(faults=(fault,)),)))
    done = run(folder, "generation", "replay", "records")
    assert done.code == 1
    assert "ExhaustedError: 2 attempts failed" in done.out
    assert "sent: 1 (0 same, 0 changed, 1 failed); not sent: 0" in done.out


def test_ctrl_c_ends_a_replay_and_its_call(folder: Path, bedrock: Bedrock) -> None:
    called(folder, "How do I pause?")
    file = folder / "generation.yaml"
    # A connection on which nothing came yet is closed when its limit is over.
    file.write_text(file.read_text().replace("attempts: 2", "attempts: 5\n    attempt_s: 3"))
    bedrock.set_plan(Plan(faults=(Faults(faults=(Fault(kind="stall_head", stall_s=20),)),)))
    bedrock.reset()
    process = start(folder, "generation", "replay", "records")
    try:
        ends = time.monotonic() + 60
        while not bedrock.counts().faults and time.monotonic() < ends:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err


def answered(folder: Path) -> list[CostRow]:
    """The sums of costs of a folder, by target."""
    costs = Costs(f"sqlite:///{folder}/data/passages.db")
    try:
        return costs.summary(today(), today(), ("target",))
    finally:
        costs.close()


def test_ctrl_c_ends_a_check_and_what_was_answered_is_in_the_costs(
    folder: Path, bedrock: Bedrock
) -> None:
    stalls = Faults(region="us-west-2", faults=(Fault(kind="stall_head", stall_s=60),))
    bedrock.set_plan(Plan(faults=(stalls,)))
    process = start(folder, "generation", "check")
    try:
        until(lambda: bedrock.counts().faults, "asked", 60)
        until(lambda: answered(folder), "answered", 60)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    (row,) = answered(folder)
    assert (row.by, row.calls) == ({"target": "east"}, 1)
    assert row.cost_nano > 0


@pytest.mark.parametrize(
    "words",
    [
        ("costs",),
        ("costs", "--json"),
        ("check",),
        ("check", "--json"),
        ("replay", "records", "--dry-run"),
        ("replay", "records", "--json"),
    ],
)
def test_output_that_nobody_reads_ends_a_command_quietly(
    folder: Path, words: tuple[str, ...]
) -> None:
    called(folder, "How do I pause?")
    done = run_unread(folder, "generation", *words)
    assert done.code == 141
    assert "BrokenPipe" not in done.err


@pytest.mark.parametrize("command", ["check", "costs", "replay"])
def test_the_help_of_a_command_ends_with_an_example(tmp_path: Path, command: str) -> None:
    done = run(tmp_path, "generation", command, "--help")
    assert done.code == 0
    assert done.out.count(f"example: python -m generation {command} ") == 1
