"""The config of a Docker queue becomes the body that the Engine takes."""

from typing import Any

import pytest
from launchkit_docker.options.gpu_request import Gpus
from launchkit_docker.options.parsing import option_name, parse_options
from launchkit_docker.options.table import OPTIONS, REFUSED, TABLE

from launchkit.errors import Rejected

Row = tuple[dict[str, object], dict[str, object]]
"""A config, and the body that it gives."""


def host(**fields: object) -> dict[str, Any]:
    return {"HostConfig": fields}


RESOURCES: list[Row] = [
    ({"blkio-weight": 300}, host(BlkioWeight=300)),
    (
        {"blkio-weight-device": "/dev/sda:200"},
        host(BlkioWeightDevice=[{"Path": "/dev/sda", "Weight": 200}]),
    ),
    ({"cgroup-parent": "/jobs"}, host(CgroupParent="/jobs")),
    ({"cpu-count": 2, "cpu-percent": 50}, host(CpuCount=2, CpuPercent=50)),
    ({"cpu-period": 100000, "cpu-quota": 50000}, host(CpuPeriod=100000, CpuQuota=50000)),
    (
        {"cpu-rt-period": 1000000, "cpu-rt-runtime": 950000},
        host(CpuRealtimePeriod=1000000, CpuRealtimeRuntime=950000),
    ),
    ({"c": 512}, host(CpuShares=512)),
    ({"cpus": 1.5}, host(NanoCpus=1_500_000_000)),
    ({"cpu": "2"}, host(NanoCpus=2_000_000_000)),
    ({"cpuset-cpus": 0, "cpuset-mems": "0,1"}, host(CpusetCpus="0", CpusetMems="0,1")),
    (
        {"device": ["/dev/fuse", "/dev/a:/dev/b", "/dev/c:r", "/dev/d:/dev/e:rw"]},
        host(
            Devices=[
                {"PathOnHost": a, "PathInContainer": b, "CgroupPermissions": c}
                for a, b, c in (
                    ("/dev/fuse", "/dev/fuse", "rwm"),
                    ("/dev/a", "/dev/b", "rwm"),
                    ("/dev/c", "/dev/c", "r"),
                    ("/dev/d", "/dev/e", "rw"),
                )
            ]
        ),
    ),
    (
        {"device": "nvidia.com/gpu=0"},
        host(DeviceRequests=[{"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=0"]}]),
    ),
    ({"device-cgroup-rule": "c 1:3 mr"}, host(DeviceCgroupRules=["c 1:3 mr"])),
    (
        {"device-read-bps": "/dev/sda:1mb", "device-write-iops": ["/dev/sda:10"]},
        host(
            BlkioDeviceReadBps=[{"Path": "/dev/sda", "Rate": 1 << 20}],
            BlkioDeviceWriteIOps=[{"Path": "/dev/sda", "Rate": 10}],
        ),
    ),
    ({"io-maxbandwidth": "1k", "io-maxiops": 5}, host(IOMaximumBandwidth=1024, IOMaximumIOps=5)),
    ({"m": "16g", "memory-swap": -1}, host(Memory=16 << 30, MemorySwap=-1)),
    (
        {"memory_reservation": 1024, "kernel-memory": "4m"},
        host(MemoryReservation=1024, KernelMemory=4 << 20),
    ),
    ({"memory-swappiness": 0}, host(MemorySwappiness=0)),
    ({"oom-kill-disable": True, "oom-score-adj": 10}, host(OomKillDisable=True, OomScoreAdj=10)),
    ({"pids-limit": -1, "shm-size": "1.5g"}, host(PidsLimit=-1, ShmSize=3 << 29)),
    ({"storage-opt": "size=10G"}, host(StorageOpt={"size": "10G"})),
    (
        {"ulimit": ["nofile=10:20", "memlock=-1"]},
        host(
            Ulimits=[
                {"Name": "nofile", "Soft": 10, "Hard": 20},
                {"Name": "memlock", "Soft": -1, "Hard": -1},
            ]
        ),
    ),
]
FILES: list[Row] = [
    ({"volume": "/mnt/datasets:/mnt/datasets"}, host(Binds=["/mnt/datasets:/mnt/datasets"])),
    (
        {"volume": ["cache:/c:ro,z", "/x"], "v": "/a:/b"},
        {"Volumes": {"/x": {}}, **host(Binds=["cache:/c:ro,z", "/a:/b"])},
    ),
    (
        {"mount": "type=bind,src=/a,dst=/b,readonly,bind-propagation=rslave"},
        host(
            Mounts=[
                {
                    "Type": "bind",
                    "Source": "/a",
                    "Target": "/b",
                    "ReadOnly": True,
                    "BindOptions": {"Propagation": "rslave"},
                }
            ]
        ),
    ),
    *(
        (
            {"mount": f"type=bind,source=/a,target=/b,{field}"},
            host(Mounts=[{"Type": "bind", "Source": "/a", "Target": "/b", "BindOptions": options}]),
        )
        for field, options in (
            ("bind-recursive=enabled", {}),
            ("bind-recursive=disabled", {"NonRecursive": True}),
            ("bind-recursive=writable", {"ReadOnlyNonRecursive": True}),
            (
                "bind-propagation=rprivate,bind-recursive=readonly",
                {"Propagation": "rprivate", "ReadOnlyForceRecursive": True},
            ),
            ("bind-create-src", {"CreateMountpoint": True}),
        )
    ),
    (
        {"mount": 'target=/v,source=v,volume-driver=local,"volume-opt=o=addr=1,rw",volume-opt=t=n'},
        host(
            Mounts=[
                {
                    "Type": "volume",
                    "Target": "/v",
                    "Source": "v",
                    "VolumeOptions": {
                        "DriverConfig": {"Name": "local", "Options": {"o": "addr=1,rw", "t": "n"}}
                    },
                }
            ]
        ),
    ),
    (
        {"mount": "type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1777"},
        host(
            Mounts=[
                {
                    "Type": "tmpfs",
                    "Target": "/t",
                    "TmpfsOptions": {"SizeBytes": 1 << 20, "Mode": 0o1777},
                }
            ]
        ),
    ),
    (
        {"read-only": True, "volumes-from": "other:ro"},
        host(ReadonlyRootfs=True, VolumesFrom=["other:ro"]),
    ),
    ({"tmpfs": ["/run:size=1m", "/tmp"]}, host(Tmpfs={"/run": "size=1m", "/tmp": ""})),
    ({"volume-driver": "local", "w": "/src"}, {**host(VolumeDriver="local"), "WorkingDir": "/src"}),
]
NETWORK: list[Row] = [
    (
        {"add-host": ["a:1.2.3.4", "b=::1", "host.docker.internal:host-gateway", "c=[::2]"]},
        host(ExtraHosts=["a:1.2.3.4", "b:::1", "host.docker.internal:host-gateway", "c:::2"]),
    ),
    (
        {"dns": ["8.8.8.8"], "dns-opt": "ndots:1", "dns-search": "a.org"},
        host(Dns=["8.8.8.8"], DnsOptions=["ndots:1"], DnsSearch=["a.org"]),
    ),
    ({"h": "box", "domainname": "org"}, {"Hostname": "box", "Domainname": "org"}),
    ({"expose": ["80", "90-91/udp"]}, {"ExposedPorts": {"80/tcp": {}, "90/udp": {}, "91/udp": {}}}),
    ({"net": "host"}, host(NetworkMode="host")),
    ({"network": "container:x"}, host(NetworkMode="container:x")),
    (
        {"network": "n", "ip": "10.0.0.2", "ip6": "fd::2", "network-alias": ["a", "b"]},
        {
            **host(NetworkMode="n"),
            "NetworkingConfig": {
                "EndpointsConfig": {
                    "n": {
                        "IPAMConfig": {"IPv4Address": "10.0.0.2", "IPv6Address": "fd::2"},
                        "Aliases": ["a", "b"],
                    }
                }
            },
        },
    ),
    (
        {"network": ["name=n,alias=a,ip=10.0.0.2,driver-opt=x=y,gw-priority=1", "m"]},
        {
            **host(NetworkMode="n"),
            "NetworkingConfig": {
                "EndpointsConfig": {
                    "n": {
                        "Aliases": ["a"],
                        "IPAMConfig": {"IPv4Address": "10.0.0.2"},
                        "DriverOpts": {"x": "y"},
                        "GwPriority": 1,
                    },
                    "m": {},
                }
            },
        },
    ),
    (
        {"link": "db:sql", "mac-address": "02:42:ac:11:00:02"},
        {"MacAddress": "02:42:ac:11:00:02", **host(Links=["db:sql"])},
    ),
    (
        {"network": "n", "link": "db:sql"},
        {
            **host(Links=["db:sql"], NetworkMode="n"),
            "NetworkingConfig": {"EndpointsConfig": {"n": {"Links": ["db:sql"]}}},
        },
    ),
    (
        {"p": [80, "8080:81", "127.0.0.1:9000-9001:90-91/udp", "[::1]::82"], "P": True},
        {
            "ExposedPorts": {p: {} for p in ("80/tcp", "81/tcp", "90/udp", "91/udp", "82/tcp")},
            **host(
                PublishAllPorts=True,
                PortBindings={
                    "80/tcp": [{"HostIp": "", "HostPort": ""}],
                    "81/tcp": [{"HostIp": "", "HostPort": "8080"}],
                    "90/udp": [{"HostIp": "127.0.0.1", "HostPort": "9000"}],
                    "91/udp": [{"HostIp": "127.0.0.1", "HostPort": "9001"}],
                    "82/tcp": [{"HostIp": "::1", "HostPort": ""}],
                },
            ),
        },
    ),
    (
        {"publish": "published=8000-8010,target=80,protocol=tcp"},
        {
            "ExposedPorts": {"80/tcp": {}},
            **host(PortBindings={"80/tcp": [{"HostIp": "", "HostPort": "8000-8010"}]}),
        },
    ),
]
REST: list[Row] = [
    ({"annotation": "a=b"}, host(Annotations={"a": "b"})),
    (
        {"cap-add": ["SYS_PTRACE"], "cap-drop": "ALL"},
        host(CapAdd=["CAP_SYS_PTRACE"], CapDrop=["ALL"]),
    ),
    ({"group-add": ["audio", 44]}, host(GroupAdd=["audio", "44"])),
    ({"ipc": "host", "pid": "host"}, host(IpcMode="host", PidMode="host")),
    (
        {"uts": "host", "userns": "host", "cgroupns": "private"},
        host(UTSMode="host", UsernsMode="host", CgroupnsMode="private"),
    ),
    ({"privileged": True, "runtime": "runc"}, host(Privileged=True, Runtime="runc")),
    (
        {"security-opt": ["no-new-privileges", "seccomp=unconfined", "label:disable"]},
        host(SecurityOpt=["no-new-privileges", "seccomp=unconfined", "label=disable"]),
    ),
    ({"security-opt": "systempaths=unconfined"}, host(MaskedPaths=[], ReadonlyPaths=[])),
    ({"sysctl": "net.core.somaxconn=10"}, host(Sysctls={"net.core.somaxconn": "10"})),
    ({"user": 1000}, {"User": "1000"}),
    (
        {"health-cmd": "true", "health-interval": "1m30s", "health-retries": 2},
        {"Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 90 * 10**9, "Retries": 2}},
    ),
    ({"no-healthcheck": True}, {"Healthcheck": {"Test": ["NONE"]}}),
    ({"init": True, "tty": "true"}, {"Tty": True, **host(Init=True)}),
    ({"stop-signal": "SIGINT", "stop-timeout": 5}, {"StopSignal": "SIGINT", "StopTimeout": 5}),
    ({"label": ["a=b", "c"], "l": "d=e=f"}, {"Labels": {"a": "b", "c": "", "d": "e=f"}}),
    (
        {"log-driver": "local", "log-opt": ["max-size=1m"]},
        host(LogConfig={"Type": "local", "Config": {"max-size": "1m"}}),
    ),
    (
        {"device-write-bps": "/dev/sda:1k", "device-read-iops": "/dev/sda:7"},
        host(
            BlkioDeviceWriteBps=[{"Path": "/dev/sda", "Rate": 1024}],
            BlkioDeviceReadIOps=[{"Path": "/dev/sda", "Rate": 7}],
        ),
    ),
    (
        {"network": "n", "link-local-ip": "169.254.1.2"},
        {
            **host(NetworkMode="n"),
            "NetworkingConfig": {
                "EndpointsConfig": {"n": {"IPAMConfig": {"LinkLocalIPs": ["169.254.1.2"]}}}
            },
        },
    ),
    (
        {"health-start-interval": "1s", "health-start-period": "500ms", "health-timeout": "0"},
        {"Healthcheck": {"StartInterval": 10**9, "StartPeriod": 5 * 10**8, "Timeout": 0}},
    ),
    ({"isolation": "default"}, host(Isolation="default")),
    ({"restart": "no"}, host(RestartPolicy={"Name": "no"})),
]


@pytest.mark.reported("F4a")
@pytest.mark.parametrize(("args", "body"), [*RESOURCES, *FILES, *NETWORK, *REST])
def test_an_option_stands_in_its_field_of_the_engine_api(
    args: dict[str, object], body: dict[str, object]
) -> None:
    assert parse_options(args).body == body


@pytest.mark.parametrize(
    ("args", "field", "value"),
    [
        ({"rm": False}, "remove", False),
        ({"rm": True}, "remove", True),
        ({}, "remove", True),
        ({"rm": None}, "remove", True),
        ({"name": "trainer"}, "name", "trainer"),
        ({"platform": "linux/arm64"}, "platform", "linux/arm64"),
        ({"pull": "always"}, "pull", "always"),
        ({}, "pull", "missing"),
        ({"env-file": ["a.env", "b.env"]}, "env_files", ("a.env", "b.env")),
        ({"label-file": "l"}, "label_files", ("l",)),
        ({"entrypoint": "/bin/sh"}, "entrypoint", ("/bin/sh",)),
        ({"entrypoint": ["python", "-u"]}, "entrypoint", ("python", "-u")),
        ({}, "entrypoint", None),
        ({"command": "python 'a b.py' -x"}, "command", ("python", "a b.py", "-x")),
        ({"command": ["python", "a b.py"]}, "command", ("python", "a b.py")),
        ({"command": ["a --word alone"]}, "command", ("a --word alone",)),
        ({"quiet": True, "disable-content-trust": True}, "body", {}),
    ],
)
def test_an_option_that_is_no_field_of_the_body(
    args: dict[str, object], field: str, value: object
) -> None:
    assert getattr(parse_options(args), field) == value


@pytest.mark.parametrize(
    ("value", "gpus"),
    [
        ("all", Gpus(count=-1)),
        (2, Gpus(count=2)),
        ("count=2", Gpus(count=2)),
        ("device=0,1", Gpus(device_ids=("0", "1"))),
        ('"device=0,1"', Gpus(device_ids=("0", "1"))),
        ("device=GPU-3faa8-219", Gpus(device_ids=("GPU-3faa8-219",))),
        (
            'all,"capabilities=compute,utility"',
            Gpus(count=-1, capabilities=("compute", "utility", "gpu")),
        ),
        ("driver=nvidia,count=all", Gpus(count=-1, driver="nvidia")),
        ("capabilities=utility", Gpus(count=1, capabilities=("utility", "gpu"))),
        (["all"], Gpus(count=-1)),
    ],
)
def test_a_wish_for_gpus(value: object, gpus: Gpus) -> None:
    assert parse_options({"gpus": value}).gpus == gpus


@pytest.mark.parametrize("key", ["memory-swap", "--memory-swap", " memory_swap ", "Memory-Swap"])
def test_names_are_read_as_wandb_reads_them(key: str) -> None:
    assert parse_options({key: "1k"}).body == host(MemorySwap=1024)


@pytest.mark.parametrize("option", [*OPTIONS, *REFUSED, "d", "i"])
@pytest.mark.parametrize("value", [False, None])
def test_false_and_null_drop_an_option(option: str, value: object) -> None:
    options = parse_options({option: value})
    assert (options.body, options.words, options.gpus) == ({}, (), None)


def test_the_seeds_example() -> None:
    options = parse_options(
        {
            "env": ["MY_ENV_VAR=value", "MY_EXISTING_ENV_VAR"],
            "volume": "/mnt/datasets:/mnt/datasets",
            "rm": True,
            "gpus": "all",
        }
    )
    assert options.body == host(Binds=["/mnt/datasets:/mnt/datasets"])
    assert (options.remove, options.gpus) == (True, Gpus(count=-1))


@pytest.mark.parametrize("value", [{"A": "b", "C": None}, ["A=b", "C"], "A=b"])
def test_variables_may_be_a_mapping_a_list_or_one_text(value: object) -> None:
    assert parse_options({"env": value, "e": ["D=1"]}).body == {}


def test_a_short_name_keeps_its_case() -> None:
    assert parse_options({"-P": True}).body == host(PublishAllPorts=True)
    with pytest.raises(Rejected, match="no option 'V'"):
        parse_options({"V": "/a:/b"})


def test_no_name_stands_for_two_options() -> None:
    names = [name for option in TABLE for name in (option.name, *option.aliases)]
    assert sorted(names) == sorted(OPTIONS)
    assert not set(names) & {*REFUSED, "a", "d", "i"}


def test_each_field_of_the_body_is_tried_here() -> None:
    tried = (args for args, _ in (*RESOURCES, *FILES, *NETWORK, *REST))
    names = {OPTIONS[option_name(key)].name for args in tried for key in args}
    elsewhere = {option.name for option in TABLE if option.base.startswith(":")}
    assert {option.name for option in TABLE} == names | elsewhere


def test_an_option_may_be_given_very_often() -> None:
    groups = [str(number) for number in range(100_000)]
    assert parse_options({"group-add": groups}).body == host(GroupAdd=groups)
