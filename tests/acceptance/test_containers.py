"""What can be checked of the container files where no engine runs."""

import json
import re
import subprocess
import sys
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx
import pytest
import yaml

from benchmarks.performance.qdrant import started_qdrant
from indexers.client import ADMIN_KEY
from tests.acceptance.commands import ROOT, environment, run
from tests.servers import free_port, started


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def test_the_compose_file_is_one_by_the_specification() -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    done = run(ROOT, "check_jsonschema", *schema, "docker-compose.yml")
    assert done.code == 0, done.out


def test_the_compose_file_hands_on_every_argument_of_the_image(compose: dict[str, Any]) -> None:
    arguments = re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert arguments
    for name in ("api", "worker", "reindex"):
        args = compose["services"][name]["build"]["args"]
        assert args == {argument: f"${{{argument}:-}}" for argument in arguments}, name


def test_the_compose_file_refers_only_to_what_it_declares(compose: dict[str, Any]) -> None:
    services, volumes = compose["services"], set(compose["volumes"])
    assert {"qdrant", "postgres", "api", "worker"} <= set(services)
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        sources = [volume.split(":")[0] for volume in service.get("volumes", [])]
        named = {source for source in sources if source[0] not in "./$"}
        assert named <= volumes, name


def test_long_running_services_have_a_health_check(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if "profiles" not in service:
            # A worker listens to nobody; its life is the lock that it holds.
            tested = service["healthcheck"].get("test", ["CMD"] if name == "worker" else [None])
            assert tested[0] == "CMD", name
            assert service["restart"] == "unless-stopped", name


def test_the_image_is_given_every_package_that_it_installs() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    for package in ("chunkers", "indexers", "retrieval", "benchmarks"):
        assert f"COPY {package} {package}" in dockerfile
    for name in dockerfile.split("COPY ")[1].split(" ./")[0].split():
        assert (ROOT / name).exists(), name


def test_the_services_run_together_as_processes(
    compose: dict[str, Any], tmp_path: Path, postgres_url: str
) -> None:
    port = free_port()
    here = {
        "python": sys.executable,
        "/catalog/catalog.yaml": str(ROOT / "samples" / "catalog.yaml"),
        "/data": str(tmp_path / "data"),
        "0.0.0.0": "127.0.0.1",
        "8000": str(port),
        "http://api:8000": f"http://127.0.0.1:{port}",
    }

    def command(service: str) -> list[str]:
        return [here.get(word, word) for word in compose["services"][service]["command"]]

    with started_qdrant(tmp_path / "qdrant") as qdrant:
        there = {"QDRANT_URL": qdrant, "DATABASE_URL": postgres_url, ADMIN_KEY: "k3y"}
        assert there.keys() <= compose["services"]["api"]["environment"].keys()
        with started(command("api"), port, ready="/healthz", variables=there) as server:
            variables = environment(**there)
            workers = [
                Popen(command("worker"), cwd=ROOT, env=variables, stderr=subprocess.DEVNULL)
                for _ in range(2)
            ]
            done = subprocess.run(
                [*command("reindex"), "--json"],
                cwd=ROOT,
                env=environment(**there),
                check=True,
                capture_output=True,
            )
            ready = httpx.get(f"{server.url}/readyz")
            for worker in workers:
                worker.terminate()
            assert [worker.wait(timeout=60) for worker in workers] == [0, 0]
            code, said = server.stop()
    jobs = json.loads(done.stdout)["jobs"]
    assert {job["state"] for job in jobs} == {"succeeded"}
    assert len(jobs) == 4
    assert ready.status_code == 200
    assert code == 0, said
