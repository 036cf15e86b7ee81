"""Every option of `docker run` (20.10 to 28) with its place in the Engine API."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from launchkit_docker.containers import names
from launchkit_docker.options import gpu_request, network, storage, values
from launchkit_docker.options.values import duration, integer, size, text

Shape = Literal["flag", "one", "many", "map", "piece"]


@dataclass(frozen=True)
class Option:
    """One option.

    `field` is the dotted place in the body of `POST /containers/create`, `?NAME` a parameter of its
    query; empty if launchkit heeds the option by itself. How the value gets there: a `flag` puts
    true, `one` its value, `many` a list of the values, `map` all values merged; a `piece` touches
    several fields and is merged into the whole body. With `base` it is put there instead; a base
    that starts with `:` is not in the body, but something that `options` goes on with.
    """

    name: str
    shape: Shape
    field: str
    parse: Callable[[str], object] = text
    aliases: tuple[str, ...] = ()
    base: str = ""
    hint: str | None = None
    """What to do about a bad value."""

    @property
    def place(self) -> list[str]:
        """Keys from the outside in, at which the value or the piece is merged."""
        dots = self.base or ("" if self.shape == "piece" else self.field)
        return dots.split(".") if dots else []

    @property
    def repeats(self) -> bool:
        """True if the option may stand more than once."""
        return self.shape in {"many", "map", "piece"}


HOST = "HostConfig"


def _host(
    name: str, shape: Shape, field: str, parse: Callable[[str], object] = text, *aliases: str
) -> Option:
    return Option(name, shape, f"{HOST}.{field}", parse, aliases)


_RESOURCES = (
    _host("blkio-weight", "one", "BlkioWeight", integer(0, 1000)),
    _host("blkio-weight-device", "many", "BlkioWeightDevice", storage.weight),
    _host("cgroup-parent", "one", "CgroupParent"),
    _host("cpu-count", "one", "CpuCount", integer(0)),
    _host("cpu-percent", "one", "CpuPercent", integer(0, 100)),
    _host("cpu-period", "one", "CpuPeriod", integer(0)),
    _host("cpu-quota", "one", "CpuQuota", integer(-1)),
    _host("cpu-rt-period", "one", "CpuRealtimePeriod", integer(0)),
    _host("cpu-rt-runtime", "one", "CpuRealtimeRuntime", integer(0)),
    _host("cpu-shares", "one", "CpuShares", integer(0), "c"),
    _host("cpus", "one", "NanoCpus", values.nano_cpus, "cpu"),
    _host("cpuset-cpus", "one", "CpusetCpus"),
    _host("cpuset-mems", "one", "CpusetMems"),
    Option("device", "piece", "HostConfig.Devices", storage.device, base=HOST),
    _host("device-cgroup-rule", "many", "DeviceCgroupRules", storage.cgroup_rule),
    _host("device-read-bps", "many", "BlkioDeviceReadBps", storage.read_rate),
    _host("device-read-iops", "many", "BlkioDeviceReadIOps", storage.read_count),
    _host("device-write-bps", "many", "BlkioDeviceWriteBps", storage.read_rate),
    _host("device-write-iops", "many", "BlkioDeviceWriteIOps", storage.read_count),
    Option("gpus", "one", "HostConfig.DeviceRequests", gpu_request.gpus, base=":gpus"),
    _host("io-maxbandwidth", "one", "IOMaximumBandwidth", size),
    _host("io-maxiops", "one", "IOMaximumIOps", integer(0)),
    _host("kernel-memory", "one", "KernelMemory", size),
    _host("memory", "one", "Memory", size, "m"),
    _host("memory-reservation", "one", "MemoryReservation", size),
    _host("memory-swap", "one", "MemorySwap", values.size_or_unlimited),
    _host("memory-swappiness", "one", "MemorySwappiness", integer(-1, 100)),
    _host("oom-kill-disable", "flag", "OomKillDisable"),
    _host("oom-score-adj", "one", "OomScoreAdj", integer(-1000, 1000)),
    _host("pids-limit", "one", "PidsLimit", integer(-1)),
    _host("shm-size", "one", "ShmSize", size),
    _host("storage-opt", "map", "StorageOpt", values.pair),
    _host("ulimit", "many", "Ulimits", values.ulimit),
)
_FILES = (
    _host("mount", "many", "Mounts", storage.mount),
    _host("read-only", "flag", "ReadonlyRootfs"),
    _host("tmpfs", "map", "Tmpfs", storage.tmpfs),
    Option("volume", "piece", "HostConfig.Binds", storage.volume, ("v",)),
    _host("volume-driver", "one", "VolumeDriver"),
    _host("volumes-from", "many", "VolumesFrom"),
    Option("workdir", "one", "WorkingDir", aliases=("w",)),
)
_ENDPOINT = "NetworkingConfig.EndpointsConfig.*"


def _endpoint(
    name: str, shape: Shape, field: str, parse: Callable[[str], object] = text, *aliases: str
) -> Option:
    """An option for the first network, whose name another option gives."""
    return Option(name, shape, f"{_ENDPOINT}.{field}", parse, aliases, f":endpoint.{field}")


_NETWORK = (
    _host("add-host", "many", "ExtraHosts", values.host_entry),
    _host("dns", "many", "Dns", network.address),
    _host("dns-option", "many", "DnsOptions", text, "dns-opt"),
    _host("dns-search", "many", "DnsSearch", str),
    Option("domainname", "one", "Domainname"),
    Option("expose", "map", "ExposedPorts", network.expose),
    Option("hostname", "one", "Hostname", aliases=("h",)),
    _endpoint("ip", "one", "IPAMConfig.IPv4Address", network.address),
    _endpoint("ip6", "one", "IPAMConfig.IPv6Address", network.address),
    _host("link", "many", "Links"),
    _endpoint("link-local-ip", "many", "IPAMConfig.LinkLocalIPs", network.address),
    Option("mac-address", "one", "MacAddress"),
    Option("network", "piece", "HostConfig.NetworkMode", network.networks, ("net",)),
    _endpoint("network-alias", "many", "Aliases", text, "net-alias"),
    Option("publish", "piece", "HostConfig.PortBindings", network.publish, ("p",)),
    _host("publish-all", "flag", "PublishAllPorts", text, "P"),
)
_SECURITY = (
    _host("cap-add", "many", "CapAdd", values.capability),
    _host("cap-drop", "many", "CapDrop", values.capability),
    _host("cgroupns", "one", "CgroupnsMode", values.one_of("host", "private")),
    _host("group-add", "many", "GroupAdd"),
    _host("ipc", "one", "IpcMode"),
    _host("isolation", "one", "Isolation"),
    _host("pid", "one", "PidMode"),
    _host("privileged", "flag", "Privileged"),
    _host("runtime", "one", "Runtime"),
    Option("security-opt", "piece", "HostConfig.SecurityOpt", values.security, base=HOST),
    _host("sysctl", "map", "Sysctls", values.pair),
    Option("user", "one", "User", aliases=("u",)),
    _host("userns", "one", "UsernsMode"),
    _host("uts", "one", "UTSMode"),
)
_PROCESS = (
    Option("command", "many", "Cmd", str, base=":command"),
    Option("entrypoint", "many", "Entrypoint", str, base=":entrypoint"),
    Option("env", "many", "Env", aliases=("e",), base=":env"),
    Option("env-file", "many", "Env", base=":env_files"),
    Option("health-cmd", "one", "Healthcheck.Test", lambda value: ["CMD-SHELL", text(value)]),
    Option("health-interval", "one", "Healthcheck.Interval", duration),
    Option("health-retries", "one", "Healthcheck.Retries", integer(0)),
    Option("health-start-interval", "one", "Healthcheck.StartInterval", duration),
    Option("health-start-period", "one", "Healthcheck.StartPeriod", duration),
    Option("health-timeout", "one", "Healthcheck.Timeout", duration),
    _host("init", "flag", "Init"),
    Option("no-healthcheck", "flag", "Healthcheck.Test", base=":no_healthcheck"),
    Option("stop-signal", "one", "StopSignal"),
    Option("stop-timeout", "one", "StopTimeout", integer(-1)),
    Option("tty", "flag", "Tty", aliases=("t",)),
)
_REST = (
    _host("annotation", "map", "Annotations", values.label),
    Option("disable-content-trust", "flag", "", base=":unused"),
    Option("label", "map", "Labels", values.label, ("l",)),
    Option("label-file", "many", "Labels", base=":label_files"),
    _host("log-driver", "one", "LogConfig.Type", values.log_driver),
    _host("log-opt", "map", "LogConfig.Config", values.pair),
    Option("name", "one", "?name", names.name_start, base=":name", hint=names.HINT),
    Option("platform", "one", "?platform", base=":platform"),
    Option("pull", "one", "", values.one_of("missing", "always", "never"), base=":pull"),
    Option("quiet", "flag", "", aliases=("q",), base=":unused"),
    _host("restart", "one", "RestartPolicy.Name", values.restart_policy),
    Option("rm", "flag", "", base=":remove"),
)
TABLE: tuple[Option, ...] = (
    *_RESOURCES,
    *_FILES,
    *_NETWORK,
    *_SECURITY,
    *_PROCESS,
    *_REST,
)
REFUSED = {
    "attach": "the output is always captured, and there is no terminal to attach",
    "cidfile": "the container is found by its labels",
    "detach": "the agent always follows the container to its end",
    "detach-keys": "there is no terminal to detach from",
    "interactive": "a launch has no input",
    "sig-proxy": "the agent sends signals itself, when a launch is stopped",
    "use-api-socket": "it would hand the run the agent's own Docker and its logins; "
    "mount the socket yourself if you mean that",
}
"""Options that are known and refused, with the reason; `false` is accepted for each."""
REFUSED_ALIASES = {"a": "attach", "d": "detach", "i": "interactive"}


def _by_name(options: Iterable[Option]) -> dict[str, Option]:
    return {word: option for option in options for word in (option.name, *option.aliases)}


OPTIONS = _by_name(TABLE)
"""Each option by each of its names."""
