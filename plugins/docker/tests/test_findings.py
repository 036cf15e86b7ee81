"""What `launchkit doctor` tells of the Engine, a real one, and of one that is played."""

from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web
from docker_engine import Engine
from launchkit_docker.engine.client import open_client
from launchkit_docker.engine.findings import engine_findings
from served import served

from launchkit.abc import Finding

PODMAN: Mapping[str, Mapping[str, Any]] = {
    "version": {
        "Components": [{"Name": "Podman Engine", "Version": "5.4.2"}],
        "Version": "5.4.2",
        "ApiVersion": "1.41",
    },
    "info": {
        "ServerVersion": "5.4.2",
        "NCPU": 2,
        "MemTotal": 2**34,
        "DockerRootDir": "/var/lib/containers/storage",
        "Runtimes": {"crun": {"path": "/usr/bin/crun"}},
    },
}
"""Of the answers of Podman 5.4.2."""


async def found() -> Mapping[str, Finding]:
    async with open_client() as engine:
        return {finding.subject: finding for finding in await engine_findings(engine)}


async def test_the_engine_of_this_machine_is_told_by_name_and_version(
    docker_engine: Engine,
) -> None:
    about = docker_engine.http.get("/version").json()
    findings = await found()
    assert findings["docker"].level == "ok"
    assert f" {about['Version']} answers" in findings["docker"].message
    by_podman = any("Podman" in each["Name"] for each in about["Components"])
    assert findings["docker"].message.startswith("Podman" if by_podman else "Docker Engine")
    assert ("docker by Podman" in findings) == by_podman


async def told_by(
    monkeypatch: pytest.MonkeyPatch, about: Mapping[str, Any]
) -> Mapping[str, Finding]:
    """Of an Engine that answers so."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(about[request.path.rpartition("/")[2]])

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    with served(app) as port:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        return await found()


async def test_what_podman_cannot_do_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = await told_by(monkeypatch, PODMAN)
    assert findings["docker"].message.startswith("Podman 5.4.2 answers")
    assert findings["docker by Podman"].level == "warning"
    assert "no BuildKit" in findings["docker by Podman"].message


async def test_a_default_runtime_that_gives_gpus_by_a_variable_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtimes = {"Runtimes": {"nvidia": {"path": "nvidia-container-runtime"}, "runc": {}}}
    for default, is_told in (("runc", False), ("nvidia", True)):
        info = {**PODMAN["info"], **runtimes, "DefaultRuntime": default}
        findings = await told_by(monkeypatch, {**PODMAN, "info": info})
        assert ("docker GPUs by default" in findings) == is_told
    assert "NVIDIA_VISIBLE_DEVICES" in findings["docker GPUs by default"].message
