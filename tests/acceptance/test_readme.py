"""The README's commands, run as they are written."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from generation.__main__ import parser as generation_parser
from indexers.catalog import load_catalog
from indexers.options import parser
from tests.acceptance.commands import ROOT, environment
from tests.servers import serving

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.split("   #")[0].strip()
    for language, body in BLOCKS
    if language == "sh"
    for line in body.splitlines()
]


JOBS = "indexers (diff|jobs|job|cancel|rollback) ?"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    command = next(c for c in COMMANDS if "indexers reindex" in c)
    run(f"{command} --data-dir {folder}")
    return folder


@pytest.fixture(scope="module")
def server(data_dir: Path) -> Iterator[str]:
    with serving(ROOT / "samples" / "catalog.yaml", data_dir) as url:
        yield url


@pytest.fixture(scope="module")
def smoke_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of results that `make smoke` leaves."""
    folder = tmp_path_factory.mktemp("smoke")
    lines = run("make --dry-run --silent smoke").splitlines()
    command = next(line for line in lines if "benchmarks run" in line)
    assert command.endswith("--out runs/smoke")
    run(f"{command} --out {folder / 'run'} --data-dir {folder / 'indexes'}")
    return folder / "run"


def run(command: str) -> str:
    words = [sys.executable if w == ".venv/bin/python" else w for w in shlex.split(command)]
    done = subprocess.run(
        words, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_thirty_lines_hold_what_a_newcomer_needs() -> None:
    head = "\n".join(README.splitlines()[:30])
    for needed in ("make demo", "make test", "curl", "answerable"):
        assert needed in head


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make")])
def test_make_targets_exist(command: str) -> None:
    run(f"{command} --dry-run --silent")


def test_setup_gives_its_arguments_to_pip() -> None:
    lines = run("make --dry-run --always-make setup PIP_ARGS='--find-links wheels'").splitlines()
    install = next(line for line in lines if "-m pip install" in line)
    assert {"--find-links", "wheels", "-c", "constraints.txt"} <= set(install.split())


def test_query_answer_and_status_answer(data_dir: Path) -> None:
    for part in ("retrieval query", "retrieval answer", "indexers status"):
        command = next(c for c in COMMANDS if part in c)
        assert run(f"{command} --data-dir {data_dir}").strip()


def test_the_jobs_can_be_seen(data_dir: Path) -> None:
    diff, jobs, job, cancel, rollback = (c for c in COMMANDS if re.search(JOBS, c))
    assert run(f"{diff} --data-dir {data_dir}") == "", "nothing has changed"
    (_, latest, *_) = run(f"{jobs} --data-dir {data_dir}").splitlines()
    job = job.replace("JOB", latest.split()[0])
    assert "succeeded" in run(f"{job} --data-dir {data_dir}")
    for command in (cancel, rollback):
        words = shlex.split(command)[3:]
        assert parser().parse_args(words).name == words[0]


def test_the_gateways_commands_are_valid(tmp_path: Path) -> None:
    check, costs, replay = (c for c in COMMANDS if "-m generation" in c)
    for command in (check, replay):
        words = shlex.split(command)[3:]
        assert generation_parser().parse_args(words).generation.is_file()
    lines = run(f"{costs} --data-dir {tmp_path}").splitlines()
    assert next(line for line in lines if line.startswith("total")).split()[-1] == "$0.00"


def test_curl_returns_what_is_printed_below_it(server: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: 'apt-get install curl' or 'brew install curl' does it")
    command = next(c for c in COMMANDS if c.startswith("curl"))
    assert "localhost:8000" in command
    answer = json.loads(run(command.replace("localhost:8000", server.removeprefix("http://"))))
    printed = json.loads(next(text for language, text in BLOCKS if language == "json"))
    assert set(printed) == set(answer)
    assert printed["answerable"] is True
    for name in ("text", "index", "span", "tokens", "heading_path", "document"):
        assert printed["passages"][0][name] == answer["passages"][0][name], name
    assert printed["passages"][0]["relevance"] == pytest.approx(
        answer["passages"][0]["relevance"], abs=0.02
    )


def test_the_request_with_every_field_is_valid(server: str) -> None:
    requests = [text for language, text in BLOCKS if language == "json"]
    assert httpx.post(f"{server}/retrieve", json=json.loads(requests[1])).status_code == 200


def test_the_five_line_catalog_and_the_settings_are_valid(tmp_path: Path) -> None:
    minimal, settings, upkeep = (text for language, text in BLOCKS if language == "yaml")
    assert len(minimal.splitlines()) == 5
    (tmp_path / "articles").mkdir()
    path = tmp_path / "catalog.yaml"
    settings = settings.replace("name: path/or/name-of-a-model", "name: x")
    path.write_text(minimal + settings + upkeep)
    index = load_catalog(path)["articles"]
    assert index.upkeep.gate.max_shrink == yaml.safe_load(upkeep)["gate"]["max_shrink"]
    assert index.upkeep.schedule is not None
    assert index.upkeep.hook is not None
    given = yaml.safe_load(settings)["search"]
    assert index.search.min_relevance == given["min_relevance"]
    assert index.build.sparse.language == "spanish"


def test_the_smoke_suite_measures_both_systems(smoke_run: Path) -> None:
    rows = json.loads((smoke_run / "summary.json").read_text(encoding="utf-8"))
    values = {(f"{row['build']}/{row['search']}", row["measure"]): row["value"] for row in rows}
    suite = yaml.safe_load((ROOT / "benchmarks" / "suites" / "smoke.yaml").read_text())
    systems = ("baseline/dense", "passages/default")
    assert set(values) == {(system, name) for system in systems for name in suite["measures"]}
    # How good it is, is measured by the larger suites: below this, something is broken.
    assert values["passages/default", "nDCG@10"] > 0.4
    assert values["passages/default", "abstained"] > values["baseline/dense", "abstained"] == 0
    assert values["passages/default", "tokens"] < values["baseline/dense", "tokens"]


def test_the_report_shows_the_worst_questions_of_each_system(smoke_run: Path) -> None:
    command = next(c for c in COMMANDS if "benchmarks report" in c)
    assert "runs/smoke" in command
    report = run(command.replace("runs/smoke", str(smoke_run)))
    assert "baseline/dense (baseline)" in report
    failures = re.findall(r"^samples (\S+) q-\d+ ", report, re.MULTILINE)
    assert failures == ["baseline/dense", "baseline/dense", "passages/default", "passages/default"]
    assert report.count("\n  wanted ") == 4
