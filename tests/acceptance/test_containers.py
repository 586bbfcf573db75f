"""What can be checked of the container files where no engine runs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from socket import socket
from typing import Any

import httpx
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SERVICE_KEYS = {
    "build",
    "image",
    "environment",
    "volumes",
    "depends_on",
    "command",
    "ports",
    "healthcheck",
    "restart",
    "profiles",
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def test_the_compose_file_refers_only_to_what_it_declares(compose: dict[str, Any]) -> None:
    services, volumes = compose["services"], set(compose["volumes"])
    assert {"qdrant", "api"} <= set(services)
    for name, service in services.items():
        assert set(service) <= SERVICE_KEYS, name
        assert set(service.get("depends_on", {})) <= set(services), name
        sources = [volume.split(":")[0] for volume in service.get("volumes", [])]
        named = {source for source in sources if source[0] not in "./$"}
        assert named <= volumes, name


def test_long_running_services_have_a_health_check(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if "profiles" not in service:
            assert service["healthcheck"]["test"][0] == "CMD", name
            assert service["restart"] == "unless-stopped", name


def test_the_image_is_given_every_package_that_it_installs() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    for package in ("chunkers", "indexers", "retrieval", "benchmarks"):
        assert f"COPY {package} {package}" in dockerfile
    for name in dockerfile.split("COPY ")[1].split(" ./")[0].split():
        assert (ROOT / name).exists(), name


def test_the_commands_of_the_services_run_as_processes(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    here = {
        "python": sys.executable,
        "/catalog/catalog.yaml": str(ROOT / "samples" / "catalog.yaml"),
        "/data": str(tmp_path),
        "0.0.0.0": "127.0.0.1",
        "8000": port,
    }
    environment = {name: v for name, v in os.environ.items() if not name.startswith("QDRANT_")}

    def command(service: str) -> list[str]:
        return [here.get(word, word) for word in compose["services"][service]["command"]]

    subprocess.run(command("reindex"), cwd=ROOT, env=environment, check=True, capture_output=True)
    api = subprocess.Popen(command("api"), cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        assert _answers(f"http://127.0.0.1:{port}/readyz")
    finally:
        api.send_signal(signal.SIGTERM)
        # uvicorn ends what it has begun, then dies by the signal that it was sent.
        assert api.wait(timeout=30) in (0, -signal.SIGTERM)


def _answers(url: str) -> bool:
    for _ in range(300):
        try:
            return httpx.get(url).status_code == httpx.codes.OK
        except httpx.TransportError:
            time.sleep(0.1)
    return False
