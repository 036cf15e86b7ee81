"""Which GPUs there are; the program that lists them is a stand-in."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from docker_engine import Engine
from launchkit_docker.engine.client import open_client
from launchkit_docker.engine.findings import engine_findings
from launchkit_docker.gpus.inventory import GpuInventory, inventory_of
from launchkit_docker.options.gpu_request import Gpus

from launchkit.errors import Rejected

Write = Callable[[str], None]
LISTED = "0, GPU-aaaa\n1, GPU-bbbb\n"


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Put a program of that name in front of all others."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    def write(script: str) -> None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    return write


async def test_the_devices_of_the_driver_are_found_with_both_names(nvidia_smi: Write) -> None:
    nvidia_smi(f"printf '{LISTED}'".replace("\n", "\\n"))
    inventory = await inventory_of(None)
    assert inventory
    assert inventory.devices == ("0", "1")
    assert inventory.named(Gpus(device_ids=("GPU-bbbb", "1"))) == ("1",)


async def test_a_part_of_a_device_that_was_found_is_taken_as_it_is_named(nvidia_smi: Write) -> None:
    nvidia_smi(f"printf '{LISTED}'".replace("\n", "\\n"))
    inventory = await inventory_of(None)
    assert inventory
    wish = Gpus(device_ids=("MIG-cccc",))
    inventory.check(wish)
    assert inventory.named(wish) == ("MIG-cccc",)


@pytest.mark.parametrize("script", ["echo no driver >&2; exit 9", "exit 0", "echo nonsense"])
async def test_a_driver_that_does_not_work_leaves_it_to_the_engine(
    nvidia_smi: Write, script: str
) -> None:
    nvidia_smi(script)
    assert await inventory_of(None) is None


async def test_an_engine_elsewhere_has_other_devices(
    nvidia_smi: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvidia_smi("echo 0, GPU-aaaa")
    monkeypatch.setenv("DOCKER_HOST", "tcp://gpu-box:2375")
    assert await inventory_of(None) is None


async def test_the_settings_go_before_what_is_found(nvidia_smi: Write) -> None:
    nvidia_smi("echo 0, GPU-aaaa")
    assert await inventory_of("shared") is None
    assert await inventory_of(("7",)) == GpuInventory(devices=("7",))


@pytest.mark.parametrize(
    ("devices", "wish", "message"),
    [
        (("a", "b"), Gpus(count=3), "3 is wanted, and this machine gives 2"),
        (("a", "b"), Gpus(device_ids=("x",)), "no GPU x"),
        ((), Gpus(count=-1), "all is wanted, and this machine gives 0"),
        ((), Gpus(count=1), "1 is wanted, and this machine gives 0"),
    ],
)
def test_what_can_never_be_given_is_rejected(
    devices: tuple[str, ...], wish: Gpus, message: str
) -> None:
    with pytest.raises(Rejected, match=message):
        GpuInventory(devices=devices).check(wish)


async def test_the_check_names_devices_that_containers_cannot_get(
    nvidia_smi: Write, docker_engine: Engine
) -> None:
    nvidia_smi("echo 0, GPU-aaaa")
    runtimes = docker_engine.http.get("/info").json()["Runtimes"]
    async with open_client() as engine:
        findings = {finding.subject: finding for finding in await engine_findings(engine)}
    assert "0 (GPU-aaaa)" in findings["docker GPUs"].message
    assert findings["docker GPUs"].level == ("ok" if "nvidia" in runtimes else "warning")
