"""The README's commands, run as they are written."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from indexers.catalog import load_catalog

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.split("   #")[0].strip()
    for language, body in BLOCKS
    if language == "sh"
    for line in body.splitlines()
]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    command = next(c for c in COMMANDS if "indexers reindex" in c)
    run(f"{command} --data-dir {folder}")
    return folder


@pytest.fixture(scope="module")
def server(data_dir: Path) -> Iterator[str]:
    from tests.servers import serving

    with serving(ROOT / "samples" / "catalog.yaml", data_dir) as url:
        yield url


def run(command: str) -> str:
    words = [sys.executable if w == ".venv/bin/python" else w for w in shlex.split(command)]
    environment = {name: v for name, v in os.environ.items() if not name.startswith("QDRANT_")}
    done = subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
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


def test_query_and_status_answer(data_dir: Path) -> None:
    for part in ("retrieval query", "indexers status"):
        command = next(c for c in COMMANDS if part in c)
        assert run(f"{command} --data-dir {data_dir}").strip()


def test_curl_returns_what_is_printed_below_it(server: str) -> None:
    command = next(c for c in COMMANDS if c.startswith("curl"))
    body = json.loads(re.findall(r"-d '(.*)'", command)[0])
    answer = httpx.post(f"{server}/retrieve", json=body).json()
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
    minimal, settings = (text for language, text in BLOCKS if language == "yaml")
    assert len(minimal.splitlines()) == 5
    (tmp_path / "articles").mkdir()
    path = tmp_path / "catalog.yaml"
    path.write_text(minimal + settings.replace("name: path/or/name-of-a-model", "name: x"))
    index = load_catalog(path)["articles"]
    given = yaml.safe_load(settings)["search"]
    assert index.search.min_relevance == given["min_relevance"]
    assert index.build.sparse.language == "spanish"
