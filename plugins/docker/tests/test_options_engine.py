"""Options of each group, looked up in containers that the Engine has really created."""

import os
import shutil
import subprocess
import tarfile
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aiodocker import Docker
from aiodocker.containers import DockerContainer
from docker_engine import Engine
from launchkit_docker.containers.body import container_body
from launchkit_docker.options.command_line import command_line
from launchkit_docker.options.parsing import parse_options
from waiting import PATIENCE

from launchkit.testing import make_submission

LABEL = {"launchkit-test": "1"}


@pytest.fixture(scope="module")
def image(docker_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image with busybox alone."""
    name = f"launchkit-test-options:{uuid4().hex[:8]}"
    busybox = shutil.which("busybox")
    assert busybox, "busybox is needed: install busybox-static"
    path = tmp_path_factory.mktemp("options") / "image.tar"
    with tarfile.open(path, "w") as tar:
        tar.add(busybox, arcname="bin/busybox")
    docker_engine.load(path, name)
    yield name
    docker_engine.remove(name)


@pytest.fixture
async def docker(docker_engine: Engine) -> AsyncIterator[Docker]:
    """The client under test, to an Engine that answers."""
    async with Docker(url="unix:///var/run/docker.sock") as client:
        yield client


@asynccontextmanager
async def created(
    docker: Docker, image: str, args: Mapping[str, object], *command: str
) -> AsyncIterator[DockerContainer]:
    """A container made with the options; removed in the end."""
    made = make_submission(*(command or ("/bin/busybox",)), image=image)
    body = container_body(parse_options(args), made, env={"A": "b"}, labels=LABEL)
    container = await docker.containers.create(body)
    try:
        yield container
    finally:
        await container.delete(force=True, v=True)


def look(found: Any, path: str) -> Any:
    for part in path.split("."):
        found = found[part]
    return found


GROUPS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "memory": (
        {"m": "64m", "memory-swap": "128m", "memory-reservation": "32m", "shm-size": "8m"},
        {
            "HostConfig.Memory": 64 << 20,
            "HostConfig.MemorySwap": 128 << 20,
            "HostConfig.MemoryReservation": 32 << 20,
            "HostConfig.ShmSize": 8 << 20,
        },
    ),
    "processors": (
        {"cpus": 0.5, "cpu-shares": 512, "cpuset-cpus": 0, "cpuset-mems": 0},
        {
            "HostConfig.NanoCpus": 500_000_000,
            "HostConfig.CpuShares": 512,
            "HostConfig.CpusetCpus": "0",
            "HostConfig.CpusetMems": "0",
        },
    ),
    "quota": (
        {"cpu-period": 100000, "cpu-quota": 50000},
        {"HostConfig.CpuPeriod": 100000, "HostConfig.CpuQuota": 50000},
    ),
    "limits": (
        {"ulimit": ["nofile=64:128"], "pids-limit": 50, "oom-score-adj": 10},
        {
            "HostConfig.Ulimits": [{"Name": "nofile", "Soft": 64, "Hard": 128}],
            "HostConfig.PidsLimit": 50,
            "HostConfig.OomScoreAdj": 10,
        },
    ),
    "devices": (
        {
            "device": "/dev/null:/dev/nil:r",
            "device-cgroup-rule": "c 1:3 mr",
            "device-read-bps": "/dev/sda:1m",
        },
        {
            "HostConfig.Devices": [
                {
                    "PathOnHost": "/dev/null",
                    "PathInContainer": "/dev/nil",
                    "CgroupPermissions": "r",
                }
            ],
            "HostConfig.DeviceCgroupRules": ["c 1:3 mr"],
            "HostConfig.BlkioDeviceReadBps": [{"Path": "/dev/sda", "Rate": 1 << 20}],
        },
    ),
    "gpus": (
        {"gpus": "device=0,1"},
        {
            "HostConfig.DeviceRequests": [
                {
                    "Driver": "",
                    "Count": 0,
                    "DeviceIDs": ["0", "1"],
                    "Capabilities": [["gpu"]],
                    "Options": {},
                }
            ]
        },
    ),
    "volumes": (
        {"volume": ["/tmp:/data:ro", "/scratch"], "tmpfs": "/run:size=1m", "read-only": True},
        {
            "HostConfig.Binds": ["/tmp:/data:ro"],
            "Config.Volumes": {"/scratch": {}},
            "HostConfig.Tmpfs": {"/run": "size=1m"},
            "HostConfig.ReadonlyRootfs": True,
        },
    ),
    "mounts": (
        {"mount": "type=bind,source=/tmp,target=/m,readonly,bind-propagation=rslave"},
        {
            "HostConfig.Mounts": [
                {
                    "Type": "bind",
                    "Source": "/tmp",
                    "Target": "/m",
                    "ReadOnly": True,
                    "BindOptions": {"Propagation": "rslave"},
                }
            ]
        },
    ),
    "ports": (
        {"p": "127.0.0.1:0:80", "expose": 90, "P": True},
        {
            "HostConfig.PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "0"}]},
            "Config.ExposedPorts": {"80/tcp": {}, "90/tcp": {}},
            "HostConfig.PublishAllPorts": True,
        },
    ),
    "names": (
        {
            "h": "box",
            "domainname": "org",
            "add-host": "a:1.2.3.4",
            "dns": "8.8.8.8",
            "dns-search": "a.org",
            "dns-option": "ndots:1",
        },
        {
            "Config.Hostname": "box",
            "Config.Domainname": "org",
            "HostConfig.ExtraHosts": ["a:1.2.3.4"],
            "HostConfig.Dns": ["8.8.8.8"],
            "HostConfig.DnsSearch": ["a.org"],
            "HostConfig.DnsOptions": ["ndots:1"],
        },
    ),
    "host network": ({"net": "host"}, {"HostConfig.NetworkMode": "host"}),
    "security": (
        {
            "cap-add": "SYS_PTRACE",
            "cap-drop": ["ALL"],
            "group-add": [44],
            "user": 1000,
            "security-opt": ["no-new-privileges", "systempaths=unconfined"],
        },
        {
            "HostConfig.CapAdd": ["CAP_SYS_PTRACE"],
            "HostConfig.CapDrop": ["ALL"],
            "HostConfig.GroupAdd": ["44"],
            "HostConfig.SecurityOpt": ["no-new-privileges"],
            "HostConfig.MaskedPaths": [],
            "Config.User": "1000",
        },
    ),
    "privileged": (
        {"privileged": True, "runtime": "runc"},
        {"HostConfig.Privileged": True, "HostConfig.Runtime": "runc"},
    ),
    "namespaces": (
        {"ipc": "host", "pid": "host", "uts": "host", "cgroupns": "host"},
        {
            "HostConfig.IpcMode": "host",
            "HostConfig.PidMode": "host",
            "HostConfig.UTSMode": "host",
            "HostConfig.CgroupnsMode": "host",
        },
    ),
    "kernel": (
        {"sysctl": "net.ipv4.ip_forward=1", "volume-driver": "local"},
        {
            "HostConfig.Sysctls": {"net.ipv4.ip_forward": "1"},
            "HostConfig.VolumeDriver": "local",
        },
    ),
    "process": (
        {"init": True, "tty": True, "w": "/src", "stop-signal": "SIGINT", "stop-timeout": 3},
        {
            "HostConfig.Init": True,
            "Config.Tty": True,
            "Config.WorkingDir": "/src",
            "Config.StopSignal": "SIGINT",
            "Config.StopTimeout": 3,
        },
    ),
    "health": (
        {"health-cmd": "true", "health-interval": "1m30s", "health-timeout": "2s"},
        {
            "Config.Healthcheck.Test": ["CMD-SHELL", "true"],
            "Config.Healthcheck.Interval": 90 * 10**9,
            "Config.Healthcheck.Timeout": 2 * 10**9,
        },
    ),
    "no health": ({"no-healthcheck": True}, {"Config.Healthcheck.Test": ["NONE"]}),
    "logs": (
        {"log-driver": "json-file", "log-opt": ["max-size=1m", "max-file=2"]},
        {
            "HostConfig.LogConfig.Type": "json-file",
            "HostConfig.LogConfig.Config": {"max-size": "1m", "max-file": "2"},
        },
    ),
    "labels": (
        {"label": ["a=b", "c"], "restart": "no"},
        {
            "Config.Labels": {"a": "b", "c": "", **LABEL},
            "HostConfig.RestartPolicy.Name": "no",
        },
    ),
}


@pytest.mark.parametrize(("args", "expected"), GROUPS.values(), ids=GROUPS)
async def test_the_engine_has_the_options_of_a_group(
    docker: Docker, image: str, args: Mapping[str, object], expected: dict[str, object]
) -> None:
    async with created(docker, image, args) as container:
        found = await container.show()
    assert {path: look(found, path) for path in expected} == expected
    assert "A=b" in found["Config"]["Env"]


@pytest.mark.parametrize(("args", "expected"), GROUPS.values(), ids=GROUPS)
async def test_the_docker_command_makes_the_same_container(
    docker: Docker, image: str, args: Mapping[str, object], expected: dict[str, object]
) -> None:
    if not shutil.which("docker"):
        pytest.skip("the docker command is not installed")
    made = make_submission("/bin/busybox", image=image, name=f"lk-{uuid4().hex[:8]}")
    words = command_line(parse_options({**args, "l": "launchkit-test=1"}), made)
    words = ["docker", "create", *words[3:]]
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    subprocess.run(words, check=True, capture_output=True, env=environ)
    theirs = docker.containers.container(made.name)
    try:
        found = await theirs.show()
    finally:
        await theirs.delete(force=True, v=True)
    seen = {path: look(found, path) for path in expected}
    forgotten = {path for path in FORGOTTEN if not seen.get(path)}
    assert written(seen, forgotten) == written(expected, forgotten)


FORGOTTEN = {"HostConfig.BlkioDeviceReadBps"}
"""What the command of Docker 26 leaves out."""


def written(fields: Mapping[str, object], forgotten: Collection[str]) -> dict[str, object]:
    """As the command writes it in all versions: in some, capabilities begin with `CAP_`."""
    known = {path: value for path, value in fields.items() if path not in forgotten}
    for path, value in known.items():
        if path.startswith("HostConfig.Cap") and isinstance(value, list):
            known[path] = [str(name).removeprefix("CAP_") for name in value]
    return known


async def test_a_hardware_address_is_given_to_the_container(docker: Docker, image: str) -> None:
    async with created(docker, image, {"mac-address": "02:42:ac:11:00:09"}) as container:
        assert (await container.show())["Config"]["MacAddress"] == "02:42:ac:11:00:09"


async def test_a_network_of_ones_own_gives_the_address_and_the_names(
    docker: Docker, image: str
) -> None:
    name = f"launchkit-test-{uuid4().hex[:8]}"
    pool = {"Config": [{"Subnet": "10.213.77.0/29"}]}
    network = await docker.networks.create({"Name": name, "Labels": LABEL, "IPAM": pool})
    args = {"network": name, "ip": "10.213.77.3", "network-alias": ["a", "b"]}
    try:
        async with created(docker, image, args) as container:
            endpoint = (await container.show())["NetworkSettings"]["Networks"][name]
    finally:
        await network.delete()
    assert endpoint["IPAMConfig"] == {"IPv4Address": "10.213.77.3"}
    assert {"a", "b"} <= set(endpoint["Aliases"])


async def test_the_container_runs_with_what_it_was_given(docker: Docker, image: str) -> None:
    args = {"network": "none", "tmpfs": "/t", "w": "/t", "user": 7, "ulimit": "nofile=33"}
    script = 'b=/bin/busybox; echo "$PWD $A $($b id -u) $(ulimit -n) $1"; exit 3'
    command = ("/bin/busybox", "sh", "-c", script, "sh", "x y")
    async with created(docker, image, args, *command) as container:
        await container.start()
        ended = await container.wait(timeout=PATIENCE)
        output = "".join(await container.log(stdout=True, stderr=True))
    assert (ended["StatusCode"], output) == (3, "/t b 7 33 x y\n")
